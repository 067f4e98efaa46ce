# messages
msg-booking-heading = Appointment confirmed – { $clinic }
msg-booking-opening =
    Hello,

    Your appointment is confirmed.
msg-change-heading = Appointment changed – { $clinic }
msg-change-opening =
    Hello,

    Your appointment was changed. This is what it is now.
msg-cancellation-heading = Appointment cancelled – { $clinic }
msg-cancellation-opening =
    Hello,

    This appointment is cancelled.
msg-when = When: { $when } – { $zone }
msg-duration = Duration: { $duration }
msg-with = With: { $practitioner }
msg-service = Consultation: { $service }
msg-in-person = At the clinic
msg-video = By video
msg-telephone = By telephone
msg-home-visit = At your home
msg-reference = Reference: { $reference }
msg-phone = Telephone: { $phone }
msg-change-link =
    To move or cancel this appointment, online until { $until }:
    { $link }
msg-manage-plain = Move or cancel: { $link }
msg-portal =
    To book another appointment:
    { $link }
msg-portal-again =
    To book a new appointment:
    { $link }
msg-calendar-summary = Appointment – { $clinic }
msg-sms-booking = { $clinic }: appointment confirmed, { $when }. Ref. { $reference }.
msg-sms-change = { $clinic }: appointment changed, now { $when }. Ref. { $reference }.
msg-sms-cancellation = { $clinic }: appointment cancelled, { $when }. Ref. { $reference }.
msg-code-heading = Your code – { $clinic }
msg-code-text =
    Your code for booking online: { $code }

    It is good for { $minutes } minutes. Give it to nobody.
msg-code-not-you = If you asked for nothing, do nothing: somebody probably mistyped their address.
msg-sms-code = { $clinic }: your code is { $code }, good for { $minutes } minutes. Give it to nobody.
