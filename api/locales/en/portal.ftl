# Around every page
emergency = In an emergency, call 911.
phone = Telephone:
call = Call
manage-link = See, move or cancel an appointment
step-of = Step { $number } of { $all }
continue = Continue
back = Back
change = Change
optional = (optional)
error-prefix = Error:
errors-title = Something is missing or not right

# Start
start-title = Book an appointment
start-lead = It takes about two minutes, and you need no account.
start-go = Start
start-again = Start again
start-services = What everybody can book here
start-more = More may be offered once you have said who the appointment is for.
start-phone-title = You would rather call?
start-phone = We also book by telephone:
nothing-open-title = No time is open for online booking right now
nothing-open-how = New times are added regularly. Come back later, or call the clinic.
closed-title = Online booking is closed
closed-how = This clinic takes no appointments online at the moment. Please call.
ended-title = Please start again
ended-how = Your visit has ended, or it was begun in another browser. Nothing that was booked is lost.

# Who
who-title = Who is the appointment for?
whom-title = I am booking for
whom-me = Myself
whom-child = My child
whom-other = Somebody else
who-person = The person who will be seen
who-person-hint = Enter their details as the clinic or the health card has them.
first-name = First name
last-name = Last name
name-hint = As on file
birth-date = Date of birth
birth-date-hint = For example 27 3 1985
birth-day = Day
birth-month = Month
birth-year = Year
sex = Sex
sex-hint = As on file
sex-female = Female
sex-male = Male
sex-other = Other
health-number = Health insurance number
health-number-hint = Four letters and eight digits, for example ABCD 1234 5678
who-contact = How can the clinic reach you?
who-contact-hint = A cell phone number or an e-mail address. It may be yours if you book for somebody else.
cell-phone = Cell phone
cell-phone-hint = For example 514 555-0123
email = E-mail
terms-title = Terms
terms-accept = I accept these terms and the use of what I entered to book this appointment.
wrong-first-name = Enter the first name
wrong-last-name = Enter the last name
wrong-birth-date = Enter a date of birth that exists, such as 27 3 1985
wrong-sex = Choose the sex as on file
wrong-health-number = Enter the health insurance number as four letters and eight digits, or leave it out
wrong-cell-phone = Enter a telephone number with its area code, such as 514 555-0123
wrong-contact = Enter a cell phone number or an e-mail address
wrong-email = Enter an e-mail address such as name@example.ca
wrong-terms = Accept the terms to go on

# Service
service-title = What do you need?
wrong-service = Choose what you need
not-eligible-title = Nothing can be booked online with these details
not-eligible-how = What the clinic offers online depends on age, on who your doctor is and on other conditions.
not-eligible-call = The clinic can help you by telephone.
not-eligible-back = Check what you entered
duration-between = { $from } to { $to }
modality-in-person = in person
modality-video = by video
modality-telephone = by telephone
modality-home-visit = at home

# When
when-title = When?
zone = All times are clinic time:
zone-device = On your device:
filters = Choose days, time of day or professional
filters-apply = Show these times
filters-clear = Show all times again
filter-practitioner = Professional
filter-weekday = Day of the week
filter-part = Time of day
part-morning = Morning
part-afternoon = Afternoon
part-evening = Evening
earliest = The earliest times
nearest = The nearest times
all-times = More times, by day
more-days = More days
first-days = Back to the earliest times
choose-time = Continue with this time
wrong-time = Choose a time
taken = Somebody else has just taken that time. Nothing is lost: choose another one.
hold-lost = The time was held for you, but the hold ended and somebody else has taken it. What you typed is kept: choose another time.
nothing-free-title = No time is free
nothing-free-narrowed = Nothing fits what you chose. Show all times again, or call the clinic.
nothing-free-how = Come back later, or call the clinic.
nothing-free-later = There are no later times yet.

# Details and the hold
details-title = Reason for the visit and messages
reason-title = Why do you want to be seen?
reason-text = Anything that helps the clinic prepare
reason-hint = Up to 500 characters. Only the clinic reads it.
wrong-reason = Give a reason for the visit
wrong-reason-text = Shorten the reason to 500 characters
notify-title = Messages about this appointment
notify-hint = They go to the contact that you entered, and never say why you are seen.
notify-yes = Send me the confirmation and what changes
notify-no = Send me nothing
held-until = This time is held for you until { $time }. Take the time you need.
hold-extend = Hold it longer
hold-last = It cannot be held any longer. You can still confirm after that if nobody else takes it.
hold-warning = Less than a minute is left of your hold. Do you need more time?
hold-ended = The hold ended at { $time }. What you typed is kept, and the time may still be free.
hold-again = Hold it again
not-held = This time is not held for you: it is yours as soon as you confirm.

# Check
check-title = Check your appointment
check-lead = Nothing is booked yet.
check-changed = Something was changed in the meantime. Check again, then confirm.
confirm = Confirm the appointment
born = born { $date }
line-when = When
line-service = Appointment
line-practitioner = With
line-reason = Reason
line-notify = Messages
line-who = For
no-reason = None given
change-when = Change the time
change-service = Change the appointment
change-reason = Change the reason
change-notify = Change the messages
change-who = Change the person

# Booked
booked-title = Your appointment is booked
booked-lead = Your time is reserved. The clinic may call to complete your file.
booked-cancelled-title = This appointment is cancelled
reference = Reference, for the telephone
booked-change-title = Plans change
booked-change = You can move or cancel online until { $time }. After that, call the clinic.
booked-change-phone = It is too late to move or cancel online. Please call the clinic.
booked-manage = Move or cancel
booked-another = Book another appointment
booked-finish = Finish

# The appointment in its patient's hands
manage-title = Your appointment
find-title = Find your appointment
find-lead = Enter the reference of your appointment and the date of birth of the person who will be seen.
find-go = Show the appointment
find-other = Without a reference?
reference-label = Reference
reference-hint = Ten letters and digits, for example 7K3QX-29FMA
wrong-reference = Check the reference: ten letters and digits, such as 7K3QX-29FMA
wrong-lookup = No appointment has this reference and date of birth
link-ended = This link is not valid any more. Links end a day after the appointment.
moved-notice = Your appointment was moved. Your former time is free for somebody else.
stale-notice = Something changed since you opened that page, so nothing was done. This is how things stand now.
state-booked = Booked
state-confirmed = Booked. You said that you will attend.
state-cancelled = This appointment is cancelled.
state-over = This appointment is over.
attend = I will attend
move-go = Move it
cancel-go = Cancel it
leave = Close this appointment on this device
book-new = Book a new appointment
keep = Keep it as it is
move-title = Choose another time
move-lead = You keep { $time } until the new time is yours.
move-confirm = Move to this time
taken-keep = That time cannot be had any more. You keep your appointment: choose another time, or leave it as it is.
cancel-title = Cancel this appointment?
cancel-lead = Your time is then free for somebody else. This cannot be undone.
cancel-why-birth-date = So that nobody else can cancel it, enter the date of birth of the person who was to be seen.
cancel-reason = Why do you cancel?
cancel-confirm = Cancel the appointment
wrong-own-birth-date = Enter the date of birth of the person who was to be seen

# Under load
work-title = Many people are booking right now
work-how = So that everybody has a chance, your device works for a moment before it gets a time. Nothing you entered is lost.
work-status = One moment, your device is still working…
work-without = This needs scripts, which are switched off here. Try again in a few minutes, or call the clinic.
