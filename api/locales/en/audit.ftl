# The audit: what happened, who did it, and the proof.

past-title = The agenda as it was
past-explained = Choose the moment whose state you want to see. No name is shown, and nothing can be changed here.
past-on = As it was on
past-date = Date
past-time = Time
past-day = Day of the agenda
past-shown = State of
past-view = Past view
past-now = State of now
past-steps = From event to event
past-step-back = One event back
past-step-on = One event on
past-to-now = To now
past-link = Past view…
past-back = Back to the agenda of now
audit-bad-moment = That moment cannot be shown: it lies in the future, or is no event’s position.
audit-bad-filter = A date cannot be read.

audit-title = What happened, and who did it
audit-lead = Every line leads to the event behind it and to the proof that it is part of the signed history. Names of patients are on none of these pages; opening what is one person’s is recorded.
audit-search = Search
audit-search-what = What do you have?
audit-search-how = The reference of an appointment, the id of an event, an appointment, a patient or a case, the hash of a leaf, a position of the log, a date (2026-11-24), or part of the name of somebody who works here.
audit-find = Search
audit-found = { $count ->
    [one] 1 thing found
   *[other] { $count } things found
}
audit-found-nothing = Nothing here is called that. References have ten characters, ids thirty-two; patients are found by their id alone.
audit-seen = As a visitor saw it
audit-explain = Why online, or why not
audit-rules = The clinic’s rules
audit-events = All events
audit-access = Who saw whose data
audit-erasures = Erasures
audit-ledger = The ledger
audit-kind-appointment = Appointment
audit-kind-event = Event
audit-kind-patient = Patient record
audit-kind-erasure = Case of erasure
audit-kind-member = Works here
audit-kind-date = Day
audit-kind-agenda = Agenda
audit-kind-service = Service
audit-kind-practitioner = Practitioner
audit-open-history = what happened to it
audit-open-proof = the event and its proof
audit-open-case = the case
audit-open-acts = what they did
audit-open-looks = whose data they saw
audit-open-agenda = the agenda as it was
audit-open-rules = the history of the rules
audit-open-record = the record’s history
audit-open-slot = the slot’s history
audit-by-system = the system
audit-by-operator = the operator
audit-by-staff = a member of staff
audit-by-token = a program
audit-by-visit = a visitor of the portal
audit-by-link = the holder of the link
audit-by-unknown = somebody
audit-later = later than the moment shown
audit-then = as it was then
audit-then-portal = the portal right after it
audit-proof = proof
audit-proof-booking = Proof of the booking
audit-as-seen = As its visitor saw the portal, right before
audit-seen-as = What this patient sees
audit-not-then = At that moment it was not there.
audit-nameless = No name and no detail of the record is shown here.
audit-id = Id
audit-merged = All records of this person
audit-rules-lead = Who set what and when, newest first.
audit-fields = { $count ->
    [one] 1 field changed
   *[other] { $count } fields changed
}
audit-field = Field
audit-before = Before
audit-after = After
audit-older = Older
audit-more = More
audit-events-lead = Everything that was stored for this clinic, in the order of the log. What is sealed stays sealed.
audit-stream = Stream
audit-stream-how = For example agendaday-….20261124; empty: all of them.
audit-actor = Only what this member, program or visit did (id)
audit-none = There is nothing.
audit-none-here = Nothing in this part of the log; go on.
audit-position = Position
audit-when = When
audit-who = Who
audit-what = What
audit-received = Request arrived
audit-type = Type
audit-stored = What is stored
audit-sealed = Personal data stands here sealed, as it does in the log.

why-title = Why do you open this?
why-explained = { $what }: this is one person’s. Your reason is recorded with your name before anything is shown, and the person may ask who saw their information.
why-choose = Reason
why-open = Open
why-care = Care of the patient
why-booking = To book or change an appointment
why-identification = To identify the patient
why-patient-request = The patient asked
why-complaint = A complaint
why-audit = An audit
why-support = Technical help
why-not-role = the role does not allow it
why-not-clinic = another clinic
why-not-found = nobody of that id
why-unknown = another reason

seen-lead = What the portal showed somebody at a moment, derived again from the history: the same answer to the byte.
seen-whom = As whom
seen-whom-how = Nothing filled in: as somebody whom nobody knows. One person: a reason is asked for, and recorded.
seen-patient = As this patient (id)
seen-proof = The patient is
seen-appointment = As the visitor who booked this appointment (id)
seen-visit = With the holds of this visit (id)
seen-open = Online booking is open
seen-closed = Online booking was closed at that moment.
seen-nothing = There was nothing of that kind to be seen at that moment, or the viewer is nobody of this clinic.
seen-services = Services to choose from
seen-no-service = No service: the visitor is told to call.
seen-no-times = No availability.
seen-held = held for this visitor
seen-why = Why?

explain-lead = Every rule that was asked, who set it, and the fewest changes that would have turned the answer round.
explain-choose = Choose an availability first:
explain-service = Service
explain-nothing = There is no such availability or viewer in this clinic.
explain-published = Published
explain-rules = What each rule said
explain-otherwise = It would be the other way round if
explain-set-by = set by { $who }, { $at } ({ $what }, revision { $revision })
explain-viewer-recognized = recognized
explain-viewer-proven = recognized, and the contact is proven
explain-viewer-no-record = somebody who is not recognized (there was no such record then)
explain-viewer-erased = somebody who is not recognized (the person was erased since)

proof-title = Proof
proof-lead = This is how anybody outside checks that the event is part of the signed history and was not changed. Each step was done just now, beginning with the bytes in the log.
proof-good = The event is part of the signed history, unchanged.
proof-bad = The proof does not hold. Keep everything as it is, and see docs/verify.md.
proof-not-yet = No checkpoint covers this event yet; the next one does, within a minute.
proof-ok = right
proof-not-ok = WRONG
proof-index = Leaf index
proof-size = Size of the tree
proof-step-event = 1. Hash of the event as it is stored
proof-step-leaf = 2. Hash of its leaf, the same as in the ledger
proof-step-path = 3. The audit path leads from the leaf to this root
proof-step-root = 4. The checkpoint names the same size and root
proof-step-key = 5. The checkpoint’s signature is good under the clinic’s key
proof-levels = { $count ->
    [one] The audit path, 1 level
   *[other] The audit path, { $count } levels
}
proof-sibling = Together with
proof-gives = gives
proof-checkpoint = Signed checkpoint
proof-offline = Checking it without this server
proof-offline-how = With the proof, the hash from the booking’s receipt and the clinic’s key, on any machine:
proof-offline-all = Or the whole history at once:

access-lead = Every answer that showed personal data, and every one that was refused; recorded before it went out.
access-of-person = Who saw this person’s information
access-patient = Of this patient (id)
access-patient-how = With all merged records and the contacts of their appointments. A reason is asked for.
access-member = By
access-anybody = anybody
access-from = From
access-to = To
access-outcome = Outcome
access-both = both
access-shown = shown
access-refused = refused
access-operation = Operation
access-whose = Whose
access-nobody = Nobody of that id is a patient of this clinic.
access-persons = { $count ->
    [one] 1 person
   *[other] { $count } persons
}

erasures-lead = Who was to be forgotten, what was decided, and what was carried out. Opening a case is recorded.
erasures-retention = Kept: { $years } years after the last appointment with a record, { $days } days without one. Between decision and erasure: { $wait } days.
erasures-open = Only open cases
erasures-all = All cases
erasure-progress = How far
erasure-basis = Asked by
erasure-asked-at = Asked on
erasure-since = Since
erasure-until = Until, or from when on
erasure-keep = Must be kept until
erasure-requested = asked, not decided
erasure-withdrawn = taken back
erasure-refused = refused
erasure-refused-retention = refused: must still be kept
erasure-refused-hold = refused: legal hold
erasure-approved = granted, cooling off
erasure-erased = { $count ->
    [one] erased, 1 key destroyed
   *[other] erased, { $count } keys destroyed
}
erasure-none = nothing asked
erasure-by-person = the person
erasure-by-time = the end of the retention
erasure-held = legal hold
erasure-reason = Reasons
erasure-note = Who asked, and how
erasure-note-how = Up to 2,000 characters. It outlives the erasure: name nobody.
erasure-ask = Take down that the person wishes to be forgotten
erasure-ask-how = Nothing is erased by this: an administrator decides, and there are days to take it back.
erasure-approve = Grant
erasure-refuse = Refuse
erasure-take-back = Take the request back
erasure-carry-out = Erase now
erasure-hold = Place a legal hold
erasure-release = Release the legal hold
erasure-too-early = The cooling-off is not over yet.
erasure-no-request = There is no open request any more.

ledger-lead = Every event of the log is a leaf of one Merkle tree. Its size and root are signed from time to time; whoever keeps a signed checkpoint can find out later whether anything before it was changed.
ledger-holds = The history agrees with what was signed.
ledger-checking = The history is being checked against the last checkpoint. No command is taken meanwhile.
ledger-broken = STANDSTILL: the history is not the one that was signed. No command is taken; reading goes on.
ledger-size = Events in the tree
ledger-root = Root
ledger-signed = Signed up to
ledger-unsigned = { $count } not signed yet
ledger-anchors = Kept outside
ledger-anchored = each checkpoint also goes to a file or a command outside
ledger-no-anchor = no: nobody outside gets the checkpoints; keep one yourself from time to time
ledger-anchor-trouble = the last one did not arrive
ledger-key = Key that verifies it
ledger-keep = Keep this text somewhere else: with it a history that was changed later is found out.
ledger-download = As a file
ledger-verify = Checking everything
ledger-verify-how = On the server, or on an export on any other machine; also against a checkpoint that you kept:
