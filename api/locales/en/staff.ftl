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
ended-title = Your session has ended
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
