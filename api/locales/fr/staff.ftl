# Pages of the clinic.

language-own = Français
nav-label = Sections
nav-agenda = Agenda
nav-identify = À identifier
nav-patients = Patients
nav-administration = Administration
nav-audit = Vérification
sign-out = Se déconnecter
role-administrator = administration
role-scheduler = secrétariat
role-practitioner = intervenant
role-auditor = vérification
role-unknown = autre rôle

sign-in-title = Connexion du personnel
sign-in-email = Adresse courriel
sign-in-password = Mot de passe
sign-in-clinic = Clinique
sign-in-do = Se connecter
sign-in-out = Vous êtes déconnecté.
sign-in-wrong = L’adresse courriel ou le mot de passe est incorrect.
sign-in-choose = Vous travaillez dans plusieurs cliniques : choisissez-en une et saisissez de nouveau votre mot de passe.
sign-in-wait = Trop d’essais en peu de temps. Attendez une minute, puis réessayez.
sign-in-forgotten = Mot de passe oublié ? Un administrateur de votre clinique peut vous donner un nouveau lien.
ended-title = Votre session est terminée
ended-explained = Vous n’avez rien fait depuis un moment, ou votre accès a changé. Ce que vous veniez d’envoyer n’a pas été enregistré. Connectez-vous et recommencez cette étape.
ended-way-on = Se connecter et continuer
invitation-title = Choisir votre mot de passe
invitation-explained = Le lien que vous avez reçu fonctionne une seule fois, pendant une heure.
invitation-token = Votre lien d’invitation
invitation-token-how = Collez ici le lien entier tel que vous l’avez reçu.
invitation-password = Nouveau mot de passe
invitation-password-how = De 12 à 200 caractères. Une phrase est plus facile à retenir.
invitation-password-bad = Le mot de passe doit compter de 12 à 200 caractères.
invitation-gone = Ce lien n’est plus valide. Un administrateur de votre clinique peut vous en donner un autre.
invitation-do = Enregistrer et se connecter
