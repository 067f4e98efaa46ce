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
desk-ended-title = Votre session est terminée
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

agenda-view-day = Jour
agenda-view-week = Semaine
agenda-view-list = Liste
agenda-views = Vue
agenda-week-of = Semaine du { $from } au { $to }
agenda-slot = Plage de { $start } à { $end }, { $what }, { $with }
agenda-no-activity = Sans activité
agenda-earlier = Précédent
agenda-later = Suivant
agenda-today = Aujourd’hui
agenda-date = Date
agenda-go = Aller
agenda-agendas = Agendas
agenda-ended = Montrer les annulés et les déplacés
agenda-show = Afficher
agenda-attention = À surveiller
agenda-count-identify = À identifier
agenda-count-unconfirmed = Présence non confirmée
agenda-count-overbooked = En surréservation
agenda-nothing = Aucune plage ouverte ni rendez-vous.
agenda-none = Rien ce jour-là.
agenda-new = Nouveau rendez-vous
agenda-schedule = Gérer l’horaire
agenda-print = Imprimer
agenda-keys = Raccourcis clavier
agenda-time = Heure
agenda-axis = Heures
agenda-state = État
agenda-who = Patient
agenda-what = Service ou activité
agenda-length = Durée
agenda-practitioner = Intervenant
agenda-changed = Modifié : { $what }
agenda-live-lost = La page n’est plus à jour toute seule. Rechargez-la.
agenda-sum-free = { $count ->
    [one] { $count } libre
   *[other] { $count } libres
}
agenda-sum-online = dont { $count } en ligne
agenda-sum-later = { $count } à publier
agenda-sum-booked = { $count } rendez-vous
agenda-sum-identify = { $count } à identifier
month-earlier = Mois précédent
month-later = Mois suivant
keys-close = Fermer
keys-arrows = Flèches
keys-arrows-do = se déplacer dans la grille
keys-enter-do = ouvrir
keys-search-do = chercher un patient
keys-today-do = aujourd’hui
keys-new-do = nouveau rendez-vous
keys-day-do = jour, semaine, liste
keys-help-do = cette aide

state-free = Libre
state-online = Libre, en ligne
state-later = Libre, en ligne dès { $moment }
state-held = Retenue jusqu’à { $time }
state-overlapped = Bloquée : un autre rendez-vous la chevauche
state-promised = Bloquée : promise à un déplacement
state-withdrawn = Retirée
state-booked-online = Réservé en ligne
state-booked-staff = Réservé par la clinique
state-booked-elsewhere = Réservé ailleurs
mark-overbooked = Surréservation
mark-tail = Déborde de { $from } à { $to }
mark-moved = Déplacé au { $date }
person-erased = Données effacées
to-identify = À identifier

status-booked = Réservé
status-confirmed = Présence confirmée
status-arrived = Arrivé
status-completed = Terminé
status-cancelled = Annulé
status-no-show = Absent
status-moved = Déplacé
status-unknown = Autre
desk-modality-in-person = En personne
desk-modality-video = Vidéo
desk-modality-telephone = Téléphone
desk-modality-home-visit = À domicile
desk-sex-female = Féminin
desk-sex-male = Masculin
desk-sex-other = Autre

notice-planned = Le rendez-vous est planifié.
notice-moved = Le rendez-vous est déplacé.
notice-cancelled = Le rendez-vous est annulé.
notice-marked = C’est noté.
notice-attached = Le dossier est attaché au rendez-vous.
notice-detached = Le dossier est détaché ; les coordonnées provisoires le remplacent.
notice-registered = Le dossier est créé.
notice-saved = Les modifications sont enregistrées.
notice-published = L’horaire est ouvert.
notice-withdrawn = Ce qui était libre est retiré.
notice-merged = Les dossiers sont fusionnés.
notice-deleted = C’est supprimé.
refused-stale = Cela a été modifié entre-temps. Rien n’a été écrasé : voici l’état actuel.
refused-taken = Cette heure n’est plus libre. Choisissez-en une autre, ou cochez la surréservation.
refused-held = Quelqu’un retient cette heure en ligne en ce moment. Attendez ou choisissez-en une autre.
refused-gone = Cette disponibilité n’existe plus. Choisissez-en une autre.
refused-status = L’état du rendez-vous ne permet pas cela.
refused-cancelled = Le rendez-vous est déjà annulé.
refused-moving = Le rendez-vous est en cours de déplacement. Réessayez dans un instant.
refused-other-patient = Un autre dossier est déjà attaché. Détachez-le d’abord.
refused-nothing-provisional = Ce rendez-vous n’a pas de coordonnées provisoires.
refused-would-cut = Une heure retenue ou réservée serait coupée. Déplacez d’abord ce rendez-vous.
refused-merged = Ce dossier est fusionné avec un autre. Travaillez dans celui qui reste.
refused-same-record = C’est le même dossier.
refused-deceased = Cette personne est décédée.
refused-erased = Ces données ont été effacées.
refused-field = Quelque chose est à corriger. Rien n’a été enregistré.
refused-twice = Ce formulaire a déjà été envoyé. Rechargez la page pour voir le résultat.
refused-other = Cela n’a pas été accepté. Rechargez la page et réessayez.
field-check = À vérifier
field-date = Donnez une date, par exemple 2026-11-24.
field-start = Donnez une heure de début qui existe ce jour-là, par exemple 09:30.
field-end = Donnez une heure de fin après le début, par exemple 10:00.
field-offset = Cette heure existe deux fois ce jour-là : précisez laquelle.
field-name = Donnez le prénom et le nom, de 1 à 100 caractères.
field-birth-date = Donnez une date de naissance passée, par exemple 1985-01-31.
field-sex = Choisissez le sexe au dossier.
field-health-number = Vérifiez le numéro : quatre lettres et huit chiffres ; expiration année-mois.
field-phone = Vérifiez le numéro de téléphone.
field-contact = Donnez un cellulaire ou une adresse courriel valide.
field-patient = Choisissez un dossier, ou donnez des coordonnées provisoires.
field-title = Choisissez une activité, ou donnez un titre.
field-interval = Donnez un nombre de minutes qui tient dans la plage.
field-reason = Au plus 500 caractères.
field-choose = Choisissez au moins un élément.

panel-title = Rendez-vous
panel-to-day = Retour à l’agenda de ce jour
panel-facts = Détails
panel-record = Dossier
panel-open-record = Ouvrir le dossier
panel-identify = Identifier le patient
panel-what = Service
panel-activity = Activité
panel-modality = Mode
panel-reason = Raison de la visite
panel-booked = Réservation
panel-reference = Référence
panel-messages = Messages
panel-messages-on = activés
panel-messages-off = désactivés pour ce rendez-vous
panel-delivery = Envoi
message-booking = Avis de prise de rendez-vous
message-change = Avis de modification
message-cancellation = Avis d’annulation
message-by-email = par courriel
message-by-sms = par texto
message-by-none = sans adresse
message-delivered = { $what } { $how } : envoyé.
message-undelivered = { $what } { $how } : n’a pas pu être remis.
message-call = L’avis n’a pas pu être remis : appeler
message-no-phone = (il n’y a pas de numéro de téléphone)
undelivered-title = Avis qui n’ont pas pu être remis
undelivered-lead = Ces patients ignorent le dernier changement de leur rendez-vous. Appelez-les.
undelivered-none = Tous les avis de rendez-vous à venir ont été remis.
agenda-count-undelivered = Avis non remis
agenda-services = Seulement ces services
panel-marks = Remarques
panel-cancelled = Annulation
panel-typed = Coordonnées saisies à la réservation
panel-actions = Actions
panel-no-actions = Il n’y a rien à faire ici.
panel-history = Historique
mark-only-selected = Seule la disponibilité choisie est réservée.
person-first-name = Prénom
person-last-name = Nom
person-birth-date = Date de naissance
person-sex = Sexe au dossier
person-health-number = Numéro d’assurance maladie
person-phones = Téléphone
person-cell-phone = Cellulaire
person-emails = Courriels
person-email = Courriel
language-french = français
language-english = anglais
cancelled-by-patient = à la demande du patient
cancelled-by-clinic = par la clinique
cancelled-kept = La plage peut être réservée de nouveau.
cancelled-dropped = La disponibilité a été supprimée.
cancelled-hidden = N’est pas dans la liste du patient.
changed-by = Modifié par { $who }, { $at } : { $what }
stale-changed = Modifié par { $who } le { $when }.
stale-somebody = Quelqu’un d’autre a modifié ceci entre-temps.
actor-token = un autre logiciel
actor-operator = l’exploitant de ce serveur
actor-patient = le patient, en ligne
actor-system = le système
actor-staff = un membre du personnel
do-confirm = Présence confirmée
do-arrive = Arrivé
do-complete = Terminé
do-no-show = Absent
do-move = Déplacer ou changer la durée
do-cancel = Annuler le rendez-vous
do-detach = Détacher le dossier
go-back = Revenir sans rien changer
desk-cancel-title = Annuler le rendez-vous
cancel-who = Qui annule ?
cancel-patient = Le patient
cancel-clinic = La clinique
cancel-when = Quand l’a-t-on appris ?
cancel-when-how = Par exemple l’heure d’un message laissé sur la boîte vocale.
cancel-why = Pourquoi (facultatif)
cancel-keep-availability = Garder la disponibilité : l’heure peut être réservée de nouveau
cancel-keep-record = Garder le rendez-vous annulé dans la liste du patient
cancel-do = Annuler ce rendez-vous
plan-who = Pour qui ?
plan-search = Chercher un dossier
plan-search-how = Début du nom, téléphone, courriel, numéro d’assurance maladie ou date de naissance (1985-01-31)
plan-find = Chercher
plan-nobody = Aucun dossier trouvé. Prenez les coordonnées ci-dessous.
plan-found = { $count ->
    [one] { $count } dossier trouvé
   *[other] { $count } dossiers trouvés
}
plan-none-of-them = Aucun de ceux-ci
plan-for-record = Pour le dossier ouvert.
plan-provisional = Sans dossier : coordonnées provisoires
plan-when = Quand et quoi ?
plan-start = Début
plan-end = Fin
plan-slot = Voir la plage, ou pourquoi elle est (n’est pas) en ligne
plan-activity-how = Sans activité, aucun message n’est envoyé.
plan-modality-usual = Comme l’activité
plan-only-selected = Réserver seulement la disponibilité choisie
plan-only-selected-how = Si le rendez-vous dure plus longtemps, ce qui suit reste libre.
plan-overbook = Surréserver : superposer à ce qui est déjà pris
plan-overbook-how = C’est consigné dans l’historique.
plan-silent = Ne pas envoyer de message
plan-language = Langue des messages
plan-do = Planifier
desk-move-title = Déplacer le rendez-vous ou changer sa durée
move-now = Actuellement :
move-show = Voir les heures libres
move-at = Nouvelle heure
move-same = La même heure qu’actuellement
move-none = Aucune disponibilité libre ce jour-là dans cet agenda.
move-typed = Une autre heure :
move-minutes = Durée en minutes
move-drop = Supprimer la disponibilité d’origine
move-do = Déplacer

why-would-match = Correspondrait maintenant à un dossier
why-nobody = Aucun dossier ne correspond
why-several = Plusieurs dossiers correspondent
why-deceased = Le dossier est celui d’une personne décédée
why-contact = Les coordonnées diffèrent du dossier
why-birth-date = La date de naissance diffère du dossier
why-sex = Le sexe diffère du dossier
why-name = Le nom diffère du dossier
why-health-number = Le numéro d’assurance maladie n’est dans aucun dossier
why-other = Autre raison
due-today = aujourd’hui
due-tomorrow = demain
due-in = dans { $count } jours
grade-exact = Identique
grade-strong = Très proche
grade-possible = Possible
identify-visit = Visite
identify-why = Pourquoi non identifié
identify-call = Appeler
identify-same = Même personne, semble-t-il
identify-mark = Remarque
identify-third = Troisième réservation à venir de ce nom et de cette date de naissance, ou plus
identify-typed = Saisi à la réservation
identify-differs = Diffère :
identify-different = diffère
identify-attach = Attacher ce dossier
identify-attach-whom = Attacher ce dossier : { $who }
identify-not = Pas cette personne
identify-not-whom = Pas cette personne : { $who }
identify-no-proposal = Aucun dossier proche n’est proposé.
identify-register = Créer un dossier avec ces données
identify-all = Montrer de nouveau toutes les propositions
identify-undo = Annuler ce geste : détacher
identify-empty = Personne n’attend d’être identifié.
identify-keys = Clavier : j et k d’un cas à l’autre, Entrée pour aller au dossier proposé.
identify-search = Chercher un autre dossier
identify-more = Suite
identify-back = Retour à la liste
identify-nobody = Aucun dossier trouvé.
patients-new = Nouveau dossier
patient-deceased = Décédé
patient-merged = Ce dossier a été fusionné avec un autre.
patient-call = Qui appeler
patient-main-phone = principal
patient-addresses = Adresses
patient-registration = Inscription auprès de
patient-absorbed = { $count ->
    [one] { $count } dossier mène à celui-ci.
   *[other] { $count } dossiers mènent à celui-ci.
}
patient-edit = Corriger le dossier
patient-merge = Fusionner avec un autre dossier
patient-mark-deceased = Marquer comme décédé
patient-death-date = Date du décès, si elle est connue
patient-visits = Rendez-vous
patient-no-visits = Aucun rendez-vous.
patient-expiry = Expiration de la carte (année-mois)
patient-phones = Téléphones, un par ligne, le principal d’abord
patient-emails = Courriels, un par ligne
patient-addresses-form = Adresses postales, séparées par une ligne vide
registration-none = personne
registration-clinic = la clinique
registration-elsewhere = un médecin ailleurs
save = Enregistrer
merge-explained = Ce dossier mènera à l’autre, avec ses rendez-vous. Cela ne peut pas être défait.
merge-search = Chercher le dossier qui reste
merge-do = Fusionner dans ce dossier

slot-title = Plage
slot-new = Ouvrir une plage
slot-amend = Modifier la plage
slot-activity-how = Une plage sans activité n’est jamais en ligne.
slot-name = Titre
slot-interval = Minutes par rendez-vous
slot-interval-how = Vide : la durée de l’activité.
slot-publication = Mise en ligne
slot-publication-usual = Selon ses services
slot-publication-at = À ce moment
slot-publication-before = Tant de minutes avant le début
slot-minutes = Minutes
slot-origin = Origine
slot-origin-manual = ouverte à la main
slot-origin-template = d’un modèle
slot-origin-recurrence = récurrente : pas en ligne, sauf si la clinique le permet
slot-withdrawn = Retirée : plus rien n’y est libre.
slot-do-withdraw = Retirer ce qui est libre
slot-withdraw-how = Les rendez-vous restent ; les personnes à appeler sont listées.
slot-booked = Rendez-vous qui restent
slot-plan = Planifier un rendez-vous ici
slot-availabilities = Disponibilités
slot-why = Pourquoi est-elle (n’est-elle pas) en ligne ?
slot-preview-as = Vue par
slot-anonymous = une personne non identifiée
slot-recognized = une personne identifiée
slot-look = Regarder
slot-offered = Offerte en ligne
slot-not-offered = Pas offerte en ligne
slot-service-none = Aucun service n’est configuré.
slot-as-patient = Regarder comme un patient donné : chercher le dossier
slot-as-proven = { $who }, qui a redonné le code
slot-as-unproven = { $who }, qui n’a pas redonné de code
slot-proof = Preuve
slot-proven = code redonné
slot-unproven = pas de code
slot-keeps-back = S’y oppose :
slot-otherwise = Il en serait autrement avec ce changement :
slot-set-by = (réglé par { $who }, { $at })
schedule-title = Gérer l’horaire
schedule-bulk = Ouvrir plusieurs plages
schedule-templates = Modèles d’horaire
schedule-from = Du
schedule-to = Au
schedule-weekdays = Jours de la semaine
schedule-repeat = Récurrence : la même plage chaque semaine jusqu’au
schedule-every = Toutes les combien de semaines
schedule-except = Jours exclus
schedule-except-how = Un par ligne, p. ex. 2026-12-25.
schedule-preview = Voir avant d’ouvrir
schedule-would = { $count ->
    [one] { $count } plage serait ouverte
   *[other] { $count } plages seraient ouvertes
}
schedule-opened = { $count ->
    [one] { $count } plage ouverte
   *[other] { $count } plages ouvertes
}
schedule-overlaps = chevauche une plage existante
schedule-twice = heure qui existe deux fois : la première est prise
schedule-left-out = Laissées de côté, car l’heure n’existe pas ce jour-là
schedule-do = Ouvrir ces plages
schedule-undo = Défaire : retirer ce qui est encore libre
schedule-undone = { $count ->
    [one] { $count } plage retirée.
   *[other] { $count } plages retirées.
}
schedule-more = et { $count } autres
day-title = Retirer une journée
day-lead = Tout ce qui est libre dans ces agendas est retiré. Les rendez-vous restent : vous voyez qui appeler.
day-missing = Choisissez un jour et au moins un agenda.
day-would = { $count ->
    [one] { $count } plage serait retirée.
   *[other] { $count } plages seraient retirées.
}
day-done = { $count ->
    [one] { $count } plage est retirée.
   *[other] { $count } plages sont retirées.
}
day-kept = { $count ->
    [one] { $count } a été modifiée entre-temps et reste : vérifiez.
   *[other] { $count } ont été modifiées entre-temps et restent : vérifiez.
}
day-nobody = Personne n’a de rendez-vous ce jour-là.
day-call = { $count ->
    [one] { $count } personne à appeler
   *[other] { $count } personnes à appeler
}
day-do = Retirer cette journée
template-make = Faire un modèle des plages d’une semaine
template-name = Nom du modèle
template-first = Premier jour
template-show = Voir les plages
template-do-make = Faire le modèle
template-none = Aucun modèle.
template-days = { $count ->
    [one] { $count } jour
   *[other] { $count } jours
}
template-slots = { $count ->
    [one] { $count } plage
   *[other] { $count } plages
}
template-apply = Appliquer
template-apply-title = Appliquer le modèle
template-weeks = Premiers jours, un par ligne
template-delete = Supprimer
template-delete-how = Les plages déjà posées restent.
template-no-slots = Aucune plage cette semaine-là.

state-later-bare = Libre, à publier
state-held-bare = Retenue
desk-state-booked = Prise

