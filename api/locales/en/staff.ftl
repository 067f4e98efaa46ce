# Pages of the clinic.

language-own = English
nav-label = Sections
nav-agenda = Agenda
nav-identify = To identify
nav-patients = Patients
nav-administration = Administration
nav-audit = Audit
sign-out = Sign out
role-administrator = administrator
role-scheduler = scheduler
role-practitioner = practitioner
role-auditor = auditor
role-unknown = another role

sign-in-title = Staff sign-in
sign-in-email = E-mail address
sign-in-password = Password
sign-in-clinic = Clinic
sign-in-do = Sign in
sign-in-out = You are signed out.
sign-in-wrong = The e-mail address or the password is wrong.
sign-in-choose = You work in several clinics: choose one and type your password again.
sign-in-wait = Too many attempts in a short time. Wait a minute, then try again.
sign-in-forgotten = Forgot your password? An administrator of your clinic can give you a new link.
desk-ended-title = Your session has ended
ended-explained = You did nothing for a while, or your access was changed. What you just sent was not stored. Sign in and do this step again.
ended-way-on = Sign in and go on
invitation-title = Choose your password
invitation-explained = The link that you received works once, for an hour.
invitation-token = Your invitation link
invitation-token-how = Paste the whole link here as you received it.
invitation-password = New password
invitation-password-how = 12 to 200 characters. A sentence is easier to remember.
invitation-password-bad = The password must have 12 to 200 characters.
invitation-gone = This link is not good any more. An administrator of your clinic can give you another.
invitation-do = Save and sign in

agenda-view-day = Day
agenda-view-week = Week
agenda-view-list = List
agenda-views = View
agenda-week-of = Week from { $from } to { $to }
agenda-slot = Slot from { $start } to { $end }, { $what }, { $with }
agenda-no-activity = No activity
agenda-earlier = Earlier
agenda-later = Later
agenda-today = Today
agenda-date = Date
agenda-go = Go
agenda-agendas = Agendas
agenda-ended = Show cancelled and moved ones
agenda-show = Show
agenda-attention = Needs attention
agenda-count-identify = To identify
agenda-count-unconfirmed = Attendance not confirmed
agenda-count-overbooked = Overbooked
agenda-nothing = No open slot and no appointment.
agenda-none = Nothing on this day.
agenda-new = New appointment
agenda-schedule = Manage the schedule
agenda-print = Print
agenda-keys = Keyboard shortcuts
agenda-time = Time
agenda-axis = Hours
agenda-state = State
agenda-who = Patient
agenda-what = Service or activity
agenda-length = Length
agenda-practitioner = Practitioner
agenda-changed = Changed: { $what }
agenda-live-lost = The page is not kept up to date any more. Reload it.
agenda-sum-free = { $count } free
agenda-sum-online = { $count } of them online
agenda-sum-later = { $count } to be released
agenda-sum-booked = { $count ->
    [one] { $count } appointment
   *[other] { $count } appointments
}
agenda-sum-identify = { $count } to identify
month-earlier = Earlier month
month-later = Later month
keys-close = Close
keys-arrows = Arrows
keys-arrows-do = move in the grid
keys-enter-do = open
keys-search-do = search for a patient
keys-today-do = today
keys-new-do = new appointment
keys-day-do = day, week, list
keys-help-do = this help

state-free = Free
state-online = Free, online
state-later = Free, to be released at { $moment }
state-held = Held until { $time }
state-overlapped = Blocked: another appointment overlaps it
state-promised = Blocked: promised to a move
state-withdrawn = Withdrawn
state-booked-online = Booked online
state-booked-staff = Booked by staff
state-booked-elsewhere = Booked elsewhere
mark-overbooked = Overbooked
mark-tail = Runs over from { $from } to { $to }
mark-moved = Moved to { $date }
person-erased = Data erased
to-identify = To identify

status-booked = Booked
status-confirmed = Confirmed
status-arrived = Arrived
status-completed = Completed
status-cancelled = Cancelled
status-no-show = No-show
status-moved = Moved
status-unknown = Other
desk-modality-in-person = In person
desk-modality-video = Video
desk-modality-telephone = Telephone
desk-modality-home-visit = Home visit
desk-sex-female = Female
desk-sex-male = Male
desk-sex-other = Other

notice-planned = The appointment is planned.
notice-moved = The appointment is moved.
notice-cancelled = The appointment is cancelled.
notice-marked = Noted.
notice-attached = The record is attached to the appointment.
notice-detached = The record is detached; the provisional contact stands in its place.
notice-registered = The record is made.
notice-saved = The changes are saved.
notice-published = The schedule is open.
notice-withdrawn = What was free is withdrawn.
notice-merged = The records are merged.
notice-deleted = Deleted.
refused-stale = It was changed in the meantime. Nothing was overwritten: this is how it stands now.
refused-taken = That time is not free any more. Choose another, or tick the override.
refused-held = Somebody online is holding that time right now. Wait or choose another.
refused-gone = That availability is not there any more. Choose another.
refused-status = The status of the appointment does not allow that.
refused-cancelled = The appointment is cancelled already.
refused-moving = The appointment is being moved. Try again in a moment.
refused-other-patient = Another record is attached already. Detach it first.
refused-nothing-provisional = This appointment has no provisional contact.
refused-would-cut = A time that is held or booked would be cut. Move that appointment first.
refused-merged = This record was merged with another. Work in the one that stays.
refused-same-record = That is the same record.
refused-deceased = This person is deceased.
refused-erased = These data were erased.
refused-field = Something is to be corrected. Nothing was stored.
refused-twice = This form was sent already. Reload the page to see the outcome.
refused-other = That was not accepted. Reload the page and try again.
field-check = Check this
field-date = Give a date, such as 2026-11-24.
field-start = Give a start that exists on that day, such as 09:30.
field-end = Give an end after the start, such as 10:00.
field-offset = This time exists twice on that day: say which.
field-name = Give first name and surname, 1 to 100 characters.
field-birth-date = Give a birth date in the past, such as 1985-01-31.
field-sex = Choose the sex on file.
field-health-number = Check the number: four letters and eight digits; expiry year-month.
field-phone = Check the telephone number.
field-contact = Give a valid cell phone number or e-mail address.
field-patient = Choose a record, or give a provisional contact.
field-title = Choose an activity, or give a title.
field-interval = Give a number of minutes that fits into the slot.
field-reason = At most 500 characters.
field-choose = Choose at least one.

panel-title = Appointment
panel-to-day = Back to the agenda of this day
panel-facts = Details
panel-record = Record
panel-open-record = Open the record
panel-identify = Identify the patient
panel-what = Service
panel-activity = Activity
panel-modality = How it takes place
panel-reason = Reason for the visit
panel-booked = Booking
panel-reference = Reference
panel-messages = Messages
panel-messages-on = on
panel-messages-off = off for this appointment
panel-delivery = Delivery
message-booking = Booking notice
message-change = Notice of a change
message-cancellation = Notice of the cancellation
message-by-email = by e-mail
message-by-sms = by text message
message-by-none = without an address
message-delivered = { $what } { $how }: sent.
message-undelivered = { $what } { $how }: could not be delivered.
message-call = The notice could not be delivered: call
message-no-phone = (there is no telephone number)
undelivered-title = Notices that could not be delivered
undelivered-lead = These patients do not know of the last change of their appointment. Call them.
undelivered-none = Every notice about coming appointments was delivered.
agenda-count-undelivered = Notice not delivered
agenda-services = Only these services
panel-marks = Marks
panel-cancelled = Cancellation
panel-typed = Contact details typed at the booking
panel-actions = Actions
panel-no-actions = There is nothing to do here.
panel-history = History
mark-only-selected = Only the selected availability is reserved.
person-first-name = First name
person-last-name = Surname
person-birth-date = Birth date
person-sex = Sex on file
person-health-number = Health insurance number
person-phones = Telephone
person-cell-phone = Cell phone
person-emails = E-mail addresses
person-email = E-mail
language-french = French
language-english = English
cancelled-by-patient = at the patient’s wish
cancelled-by-clinic = by the clinic
cancelled-kept = The time may be booked again.
cancelled-dropped = The availability was dropped.
cancelled-hidden = Not in the patient’s list.
changed-by = Changed by { $who }, { $at }: { $what }
stale-changed = Changed by { $who } on { $when }.
stale-somebody = Somebody else changed this in the meantime.
actor-token = another program
actor-operator = the operator of this server
actor-patient = the patient, online
actor-system = the system
actor-staff = a staff member
do-confirm = Attendance confirmed
do-arrive = Arrived
do-complete = Completed
do-no-show = No-show
do-move = Move or change the length
do-cancel = Cancel the appointment
do-detach = Detach the record
go-back = Go back without a change
desk-cancel-title = Cancel the appointment
cancel-who = Who cancels?
cancel-patient = The patient
cancel-clinic = The clinic
cancel-when = When was it learned?
cancel-when-how = For instance the time of a voicemail.
cancel-why = Why (optional)
cancel-keep-availability = Keep the availability: the time may be booked again
cancel-keep-record = Keep the cancelled appointment in the patient’s list
cancel-do = Cancel this appointment
plan-who = For whom?
plan-search = Search for a record
plan-search-how = Beginning of the name, telephone, e-mail, health number or birth date (1985-01-31)
plan-find = Search
plan-nobody = No record found. Take down the contact details below.
plan-found = { $count ->
    [one] { $count } record found
   *[other] { $count } records found
}
plan-none-of-them = None of them
plan-for-record = For the record that was open.
plan-provisional = Without a record: provisional contact
plan-when = When and what?
plan-start = Start
plan-end = End
plan-slot = See the slot, or why it is (not) online
plan-activity-how = Without an activity no message is sent.
plan-modality-usual = As the activity
plan-only-selected = Reserve only the selected availability
plan-only-selected-how = If the appointment is longer, what follows stays free.
plan-overbook = Overbook: lay it over what is taken
plan-overbook-how = This is recorded in the history.
plan-silent = Do not send messages
plan-language = Language of messages
plan-do = Plan
desk-move-title = Move the appointment or change its length
move-now = Now:
move-show = Show free times
move-at = New time
move-same = The same time as now
move-none = No free availability on that day in this agenda.
move-typed = Another time:
move-minutes = Length in minutes
move-drop = Drop the original availability
move-do = Move

why-would-match = Would match a record now
why-nobody = No record corresponds
why-several = Several records correspond
why-deceased = The record is of somebody deceased
why-contact = The contact details differ from the record
why-birth-date = The birth date differs from the record
why-sex = The sex differs from the record
why-name = The name differs from the record
why-health-number = The health number is in no record
why-other = Another reason
due-today = today
due-tomorrow = tomorrow
due-in = in { $count } days
grade-exact = Exact
grade-strong = Strong
grade-possible = Possible
identify-visit = Visit
identify-why = Why not matched
identify-call = Call
identify-same = Looks like the same person
identify-mark = Mark
identify-third = Third future booking of this name and birth date, or a later one
identify-typed = Typed at the booking
identify-differs = Differs:
identify-different = differs
identify-attach = Attach this record
identify-attach-whom = Attach this record: { $who }
identify-not = Not this person
identify-not-whom = Not this person: { $who }
identify-no-proposal = No near record is proposed.
identify-register = Create a record from these details
identify-all = Show all proposals again
identify-undo = Undo: detach
identify-empty = Nobody waits to be identified.
identify-keys = Keyboard: j and k from one to the next, Enter to go to the proposed record.
identify-search = Search for another record
identify-more = More
identify-back = Back to the list
identify-nobody = No record found.
patients-new = New record
patient-deceased = Deceased
patient-merged = This record was merged with another.
patient-call = Whom to call
patient-main-phone = main
patient-addresses = Addresses
patient-registration = Registered with
patient-absorbed = { $count ->
    [one] { $count } record leads to this one.
   *[other] { $count } records lead to this one.
}
patient-edit = Correct the record
patient-merge = Merge with another record
patient-mark-deceased = Mark as deceased
patient-death-date = Date of death, if it is known
patient-visits = Appointments
patient-no-visits = No appointments.
patient-expiry = Expiry of the card (year-month)
patient-phones = Telephones, one a line, the main one first
patient-emails = E-mail addresses, one a line
patient-addresses-form = Postal addresses, set apart by an empty line
registration-none = nobody
registration-clinic = the clinic
registration-elsewhere = a physician elsewhere
save = Save
merge-explained = This record will lead to the other, with its appointments. That cannot be undone.
merge-search = Search for the record that stays
merge-do = Merge into this record

slot-title = Slot
slot-new = Open a slot
slot-amend = Change the slot
slot-activity-how = A slot without an activity is never online.
slot-name = Title
slot-interval = Minutes for each appointment
slot-interval-how = Empty: the activity’s duration.
slot-publication = Publication
slot-publication-usual = As its services say
slot-publication-at = At this moment
slot-publication-before = So many minutes before the start
slot-minutes = Minutes
slot-origin = Origin
slot-origin-manual = opened by hand
slot-origin-template = from a template
slot-origin-recurrence = recurring: not online unless the clinic allows it
slot-withdrawn = Withdrawn: nothing of it is free any more.
slot-do-withdraw = Withdraw what is free
slot-withdraw-how = Appointments stay; whom to call is listed.
slot-booked = Appointments that stay
slot-plan = Plan an appointment here
slot-availabilities = Availabilities
slot-why = Why is it (not) online?
slot-preview-as = As seen by
slot-anonymous = somebody who is not recognized
slot-recognized = somebody who is recognized
slot-look = Look
slot-offered = Offered online
slot-not-offered = Not offered online
slot-service-none = No service is configured.
slot-as-patient = Look as a given patient: search for the record
slot-as-proven = { $who }, who returned the code
slot-as-unproven = { $who }, who returned no code
slot-proof = Proof
slot-proven = returned the code
slot-unproven = returned no code
slot-keeps-back = Keeps it back:
slot-otherwise = It would be otherwise with this change:
slot-set-by = (set by { $who }, { $at })
schedule-title = Manage the schedule
schedule-bulk = Open many slots
schedule-templates = Schedule templates
schedule-from = From
schedule-to = To
schedule-weekdays = Weekdays
schedule-repeat = Recurrence: the same slot every week until
schedule-every = Every so many weeks
schedule-except = Days left out
schedule-except-how = One a line, such as 2026-12-25.
schedule-preview = Preview
schedule-would = { $count ->
    [one] { $count } slot would be opened
   *[other] { $count } slots would be opened
}
schedule-opened = { $count ->
    [one] { $count } slot opened
   *[other] { $count } slots opened
}
schedule-overlaps = overlaps an existing slot
schedule-twice = time that exists twice: the first is taken
schedule-left-out = Left out, since the time does not exist on that day
schedule-do = Open these slots
schedule-undo = Undo: withdraw what is still free
schedule-undone = { $count ->
    [one] { $count } slot withdrawn.
   *[other] { $count } slots withdrawn.
}
schedule-more = and { $count } more
day-title = Withdraw a day
day-lead = Everything that is free in these agendas is withdrawn. Appointments stay: you see whom to call.
day-missing = Choose a day and at least one agenda.
day-would = { $count ->
    [one] { $count } slot would be withdrawn.
   *[other] { $count } slots would be withdrawn.
}
day-done = { $count ->
    [one] { $count } slot is withdrawn.
   *[other] { $count } slots are withdrawn.
}
day-kept = { $count ->
    [one] { $count } was changed in the meantime and stays: look again.
   *[other] { $count } were changed in the meantime and stay: look again.
}
day-nobody = Nobody is booked on that day.
day-call = { $count ->
    [one] { $count } person to call
   *[other] { $count } people to call
}
day-do = Withdraw this day
template-make = Make a template from the slots of a week
template-name = Name of the template
template-first = First day
template-show = Show the slots
template-do-make = Make the template
template-none = No templates.
template-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
template-slots = { $count ->
    [one] { $count } slot
   *[other] { $count } slots
}
template-apply = Apply
template-apply-title = Apply the template
template-weeks = First days, one a line
template-delete = Delete
template-delete-how = Slots already laid down stay.
template-no-slots = No slots in that week.

state-later-bare = Free, to be released
state-held-bare = Held
desk-state-booked = Taken

