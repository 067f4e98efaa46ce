# Autour de chaque page
emergency = En cas d’urgence, composez le 911.
phone = Téléphone :
call = Appeler le
manage-link = Voir, déplacer ou annuler un rendez-vous
step-of = Étape { $number } sur { $all }
continue = Continuer
back = Retour
change = Modifier
optional = (facultatif)
error-prefix = Erreur :
errors-title = Il manque quelque chose, ou quelque chose ne va pas

# Accueil
start-title = Prendre rendez-vous
start-lead = Cela prend environ deux minutes, sans créer de compte.
start-go = Commencer
start-again = Recommencer
start-services = Ce que tout le monde peut réserver ici
start-more = D’autres services peuvent s’ajouter une fois que vous avez dit pour qui est le rendez-vous.
start-phone-title = Vous préférez téléphoner ?
start-phone = Nous prenons aussi les rendez-vous par téléphone :
nothing-open-title = Aucune plage n’est ouverte à la réservation en ligne pour l’instant
nothing-open-how = De nouvelles plages s’ajoutent régulièrement. Revenez plus tard, ou téléphonez à la clinique.
closed-title = La réservation en ligne est fermée
closed-how = La clinique ne prend pas de rendez-vous en ligne pour l’instant. Veuillez téléphoner.
ended-title = Veuillez recommencer
ended-how = Votre visite est terminée, ou elle a commencé dans un autre navigateur. Rien de ce qui était réservé n’est perdu.

# Pour qui
who-title = Pour qui est le rendez-vous ?
whom-title = Je prends rendez-vous pour
whom-me = Moi-même
whom-child = Mon enfant
whom-other = Quelqu’un d’autre
who-person = La personne qui sera vue
who-person-hint = Inscrivez ses renseignements tels qu’ils figurent au dossier ou sur la carte d’assurance maladie.
first-name = Prénom
last-name = Nom de famille
name-hint = Comme au dossier
birth-date = Date de naissance
birth-date-hint = Par exemple 27 3 1985
birth-day = Jour
birth-month = Mois
birth-year = Année
sex = Sexe
sex-hint = Comme au dossier
sex-female = Féminin
sex-male = Masculin
sex-other = Autre
health-number = Numéro d’assurance maladie
health-number-hint = Quatre lettres et huit chiffres, par exemple ABCD 1234 5678
who-contact = Comment la clinique peut-elle vous joindre ?
who-contact-hint = Un numéro de cellulaire ou une adresse courriel. Ce peut être le vôtre si vous réservez pour quelqu’un d’autre.
cell-phone = Cellulaire
cell-phone-hint = Par exemple 514 555-0123
email = Courriel
terms-title = Conditions
terms-accept = J’accepte ces conditions et l’utilisation de mes renseignements pour prendre ce rendez-vous.
wrong-first-name = Inscrivez le prénom
wrong-last-name = Inscrivez le nom de famille
wrong-birth-date = Inscrivez une date de naissance qui existe, par exemple 27 3 1985
wrong-sex = Choisissez le sexe qui figure au dossier
wrong-health-number = Inscrivez le numéro d’assurance maladie en quatre lettres et huit chiffres, ou laissez le champ vide
wrong-cell-phone = Inscrivez un numéro de téléphone avec l’indicatif régional, par exemple 514 555-0123
wrong-contact = Inscrivez un numéro de cellulaire ou une adresse courriel
wrong-email = Inscrivez une adresse courriel telle que nom@exemple.ca
wrong-terms = Acceptez les conditions pour continuer

# Service
service-title = De quoi avez-vous besoin ?
wrong-service = Choisissez ce dont vous avez besoin
not-eligible-title = Rien ne peut être réservé en ligne avec ces renseignements
not-eligible-how = Ce que la clinique offre en ligne dépend de l’âge, du médecin de famille et d’autres conditions.
not-eligible-call = La clinique peut vous aider par téléphone.
not-eligible-back = Vérifier les renseignements inscrits
duration-between = { $from } à { $to }
modality-in-person = en personne
modality-video = par vidéo
modality-telephone = par téléphone
modality-home-visit = à domicile

# Quand
when-title = Quand ?
zone = Toutes les heures sont celles de la clinique :
zone-device = Sur votre appareil :
filters = Choisir les jours, le moment ou le professionnel
filters-apply = Afficher ces heures
filters-clear = Afficher de nouveau toutes les heures
filter-practitioner = Professionnel
filter-weekday = Jour de la semaine
filter-part = Moment de la journée
part-morning = Matin
part-afternoon = Après-midi
part-evening = Soir
earliest = Les premières disponibilités
nearest = Les disponibilités les plus proches
all-times = Autres disponibilités, par jour
more-days = Plus de jours
first-days = Revenir aux premières disponibilités
choose-time = Continuer avec cette heure
wrong-time = Choisissez une heure
taken = Quelqu’un d’autre vient de prendre cette heure. Rien n’est perdu : choisissez-en une autre.
hold-lost = Cette heure vous était gardée, mais le délai est passé et quelqu’un d’autre l’a prise. Ce que vous avez inscrit est conservé : choisissez une autre heure.
nothing-free-title = Aucune plage n’est libre
nothing-free-narrowed = Rien ne correspond à votre choix. Affichez de nouveau toutes les heures, ou téléphonez à la clinique.
nothing-free-how = Revenez plus tard, ou téléphonez à la clinique.
nothing-free-later = Il n’y a pas encore de plages plus tard.

# Détails et délai
details-title = Raison de la visite et messages
reason-title = Quelle est la raison de la visite ?
reason-text = Ce qui peut aider la clinique à se préparer
reason-hint = Jusqu’à 500 caractères. Seule la clinique le lit.
wrong-reason = Indiquez une raison de visite
wrong-reason-text = Raccourcissez la raison à 500 caractères
notify-title = Messages au sujet de ce rendez-vous
notify-hint = Ils sont envoyés à l’adresse ou au numéro inscrit, et ne disent jamais pourquoi vous êtes vu.
notify-yes = M’envoyer la confirmation et les changements
notify-no = Ne rien m’envoyer
held-until = Cette heure vous est gardée jusqu’à { $time }. Prenez le temps qu’il vous faut.
hold-extend = La garder plus longtemps
hold-last = Elle ne peut pas être gardée plus longtemps. Vous pourrez encore confirmer ensuite si personne d’autre ne la prend.
hold-warning = Il reste moins d’une minute. Avez-vous besoin de plus de temps ?
hold-ended = Le délai s’est terminé à { $time }. Ce que vous avez inscrit est conservé, et l’heure est peut-être encore libre.
hold-again = La garder de nouveau
not-held = Cette heure ne vous est pas gardée : elle est à vous dès que vous confirmez.

# Vérification
check-title = Vérifiez votre rendez-vous
check-lead = Rien n’est encore réservé.
check-changed = Quelque chose a changé entre-temps. Vérifiez de nouveau, puis confirmez.
confirm = Confirmer le rendez-vous
born = né(e) le { $date }
line-when = Quand
line-service = Rendez-vous
line-practitioner = Avec
line-reason = Raison
line-notify = Messages
line-who = Pour
no-reason = Aucune
change-when = Modifier l’heure
change-service = Modifier le rendez-vous
change-reason = Modifier la raison
change-notify = Modifier les messages
change-who = Modifier la personne

# Confirmation
booked-title = Votre rendez-vous est pris
booked-lead = Votre place est réservée. La clinique pourrait vous appeler pour compléter votre dossier.
booked-cancelled-title = Ce rendez-vous est annulé
reference = Référence, pour le téléphone
booked-change-title = En cas d’imprévu
booked-change = Vous pouvez déplacer ou annuler en ligne jusqu’au { $time }. Ensuite, téléphonez à la clinique.
booked-change-phone = Il est trop tard pour déplacer ou annuler en ligne. Veuillez téléphoner à la clinique.
booked-manage = Déplacer ou annuler
booked-another = Prendre un autre rendez-vous
booked-finish = Terminer

# Le rendez-vous entre les mains de son patient
manage-title = Votre rendez-vous
find-title = Retrouver votre rendez-vous
find-lead = Inscrivez la référence de votre rendez-vous et la date de naissance de la personne qui sera vue.
find-go = Afficher le rendez-vous
find-other = Sans référence ?
reference-label = Référence
reference-hint = Dix lettres et chiffres, par exemple 7K3QX-29FMA
wrong-reference = Vérifiez la référence : dix lettres et chiffres, par exemple 7K3QX-29FMA
wrong-lookup = Aucun rendez-vous ne porte cette référence avec cette date de naissance
link-ended = Ce lien n’est plus valide. Un lien prend fin un jour après le rendez-vous.
moved-notice = Votre rendez-vous a été déplacé. L’ancienne heure est libre pour quelqu’un d’autre.
stale-notice = Quelque chose a changé depuis que vous avez ouvert cette page ; rien n’a donc été fait. Voici l’état actuel.
state-booked = Réservé
state-confirmed = Réservé. Vous avez dit que vous serez présent.
state-cancelled = Ce rendez-vous est annulé.
state-over = Ce rendez-vous est passé.
attend = Je serai présent
move-go = Le déplacer
cancel-go = L’annuler
leave = Fermer ce rendez-vous sur cet appareil
book-new = Prendre un nouveau rendez-vous
keep = Le garder tel quel
move-title = Choisissez une autre heure
move-lead = Vous gardez { $time } jusqu’à ce que la nouvelle heure soit à vous.
move-confirm = Déplacer à cette heure
taken-keep = Cette heure n’est plus disponible. Vous gardez votre rendez-vous : choisissez une autre heure, ou laissez-le tel quel.
cancel-title = Annuler ce rendez-vous ?
cancel-lead = L’heure sera alors libre pour quelqu’un d’autre. C’est sans retour.
cancel-why-birth-date = Pour que personne d’autre ne puisse l’annuler, inscrivez la date de naissance de la personne qui devait être vue.
cancel-reason = Pourquoi annulez-vous ?
cancel-confirm = Annuler le rendez-vous
wrong-own-birth-date = Inscrivez la date de naissance de la personne qui devait être vue

# Sous la charge
work-title = Beaucoup de gens réservent en ce moment
work-how = Pour que chacun ait sa chance, votre appareil travaille un instant avant d’obtenir une heure. Rien de ce que vous avez inscrit n’est perdu.
work-status = Un instant, votre appareil travaille encore…
work-without = Il faut pour cela des scripts, qui sont désactivés ici. Réessayez dans quelques minutes, ou téléphonez à la clinique.
