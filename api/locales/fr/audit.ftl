# La vérification : ce qui s’est passé, qui l’a fait, et la preuve.

past-title = L’agenda tel qu’il était
past-explained = Choisissez le moment dont vous voulez voir l’état. Aucun nom n’est affiché et rien ne peut être modifié ici.
past-on = Tel qu’au
past-date = Date
past-time = Heure
past-day = Jour de l’agenda
past-shown = État au
past-view = Vue du passé
past-now = État actuel
past-steps = D’un événement à l’autre
past-step-back = Un événement en arrière
past-step-on = Un événement en avant
past-to-now = Revenir à maintenant
past-link = Vue du passé…
past-back = Retour à l’agenda actuel
audit-bad-moment = Ce moment ne peut pas être montré : il est dans le futur, ou n’est la position d’aucun événement.
audit-bad-filter = Une date est illisible.

audit-title = Ce qui s’est passé, et qui l’a fait
audit-lead = Chaque ligne mène à l’événement et à la preuve qu’il fait partie de l’historique signé. Aucun nom de patient ne figure sur ces pages ; ouvrir ce qui concerne une personne est consigné.
audit-search = Recherche
audit-search-what = Qu’avez-vous en main ?
audit-search-how = La référence d’un rendez-vous, l’identifiant d’un événement, d’un rendez-vous, d’un patient ou d’une demande, l’empreinte d’une feuille, une position du journal, une date (2026-11-24), ou une partie du nom d’une personne qui travaille ici.
audit-find = Chercher
audit-found = { $count ->
    [one] { $count } résultat
   *[other] { $count } résultats
}
audit-found-nothing = Rien ne porte ce nom ici. Une référence a dix caractères, un identifiant trente-deux ; un patient ne se trouve que par son identifiant.
audit-seen = Tel qu’un visiteur l’a vu
audit-explain = Pourquoi en ligne, ou pourquoi pas
audit-rules = Les règles de la clinique
audit-events = Tous les événements
audit-access = Qui a vu les données de qui
audit-erasures = Effacements
audit-ledger = Le registre
audit-kind-appointment = Rendez-vous
audit-kind-event = Événement
audit-kind-patient = Dossier patient
audit-kind-erasure = Demande d’effacement
audit-kind-member = Travaille ici
audit-kind-date = Jour
audit-kind-agenda = Agenda
audit-kind-service = Service
audit-kind-practitioner = Intervenant
audit-open-history = ce qui lui est arrivé
audit-open-proof = l’événement et sa preuve
audit-open-case = la demande
audit-open-acts = ce que cette personne a fait
audit-open-looks = les données qu’elle a vues
audit-open-agenda = l’agenda tel qu’il était
audit-open-rules = l’historique des règles
audit-open-record = l’historique du dossier
audit-open-slot = l’historique de la plage
audit-by-system = le système
audit-by-operator = l’opérateur
audit-by-staff = un membre du personnel
audit-by-token = un programme
audit-by-visit = une personne sur le portail
audit-by-link = une personne munie du lien
audit-by-unknown = quelqu’un
audit-later = après le moment affiché
audit-then = l’état à ce moment
audit-then-portal = le portail juste après
audit-proof = preuve
audit-proof-booking = Preuve de la réservation
audit-as-seen = Le portail tel que vu juste avant
audit-seen-as = Ce que ce patient voit
audit-not-then = À ce moment, cela n’existait pas.
audit-nameless = Aucun nom ni aucune donnée du dossier n’est affiché ici.
audit-id = Identifiant
audit-merged = Tous les dossiers de cette personne
audit-rules-lead = Qui a réglé quoi et quand, du plus récent au plus ancien.
audit-fields = { $count ->
    [one] { $count } champ modifié
   *[other] { $count } champs modifiés
}
audit-field = Champ
audit-before = Avant
audit-after = Après
audit-older = Plus anciens
audit-more = Suite
audit-events-lead = Tout ce qui a été consigné pour cette clinique, dans l’ordre du journal. Ce qui est scellé le reste.
audit-stream = Flux
audit-stream-how = Par exemple agendaday-….20261124 ; vide : tous.
audit-actor = Seulement ce qu’a fait ce membre, ce programme ou cette visite (identifiant)
audit-none = Il n’y a rien.
audit-none-here = Rien dans cette partie du journal ; continuez.
audit-position = Position
audit-when = Quand
audit-who = Qui
audit-what = Quoi
audit-received = Arrivée de la demande
audit-type = Type
audit-stored = Ce qui est consigné
audit-sealed = Les données personnelles y sont scellées, comme dans le journal.

why-title = Pourquoi ouvrez-vous ceci ?
why-explained = { $what } : cela concerne une personne. Votre motif est consigné avec votre nom avant tout affichage, et la personne peut demander qui a vu ses renseignements.
why-choose = Motif
why-open = Ouvrir
why-care = Soins au patient
why-booking = Prise ou modification d’un rendez-vous
why-identification = Identification du patient
why-patient-request = Demande du patient
why-complaint = Une plainte
why-audit = Une vérification
why-support = Aide technique
why-not-role = le rôle ne le permet pas
why-not-clinic = une autre clinique
why-not-found = personne sous cet identifiant
why-unknown = un autre motif

seen-lead = Ce que le portail montrait à quelqu’un à un moment donné, déduit de nouveau de l’historique : la même réponse, à l’octet près.
seen-whom = Aux yeux de qui
seen-whom-how = Rien de rempli : une personne que nul ne connaît. Une personne précise : un motif est demandé et consigné.
seen-patient = Ce patient (identifiant)
seen-proof = Le patient est
seen-appointment = La personne qui a réservé ce rendez-vous (identifiant)
seen-visit = Avec les retenues de cette visite (identifiant)
seen-open = La réservation en ligne est ouverte
seen-closed = La réservation en ligne était fermée à ce moment.
seen-nothing = Il n’y avait rien de tel à voir à ce moment, ou cette personne n’est pas de cette clinique.
seen-services = Services au choix
seen-no-service = Aucun service : la personne est invitée à téléphoner.
seen-no-times = Aucune disponibilité.
seen-held = retenue pour cette personne
seen-why = Pourquoi ?

explain-lead = Chaque règle consultée, qui l’a réglée, et les changements les plus simples qui auraient inversé la réponse.
explain-choose = Choisissez d’abord une disponibilité :
explain-service = Service
explain-nothing = Il n’y a pas de telle disponibilité ou de telle personne dans cette clinique.
explain-published = Publication
explain-rules = Ce que chaque règle a dit
explain-otherwise = Ce serait l’inverse si
explain-set-by = réglée par { $who }, { $at } ({ $what }, révision { $revision })
explain-viewer-recognized = identifié
explain-viewer-proven = identifié, coordonnée prouvée
explain-viewer-no-record = une personne non identifiée (ce dossier n’existait pas alors)
explain-viewer-erased = une personne non identifiée (la personne a été effacée depuis)

proof-title = Preuve
proof-lead = Voici comment quiconque vérifie de l’extérieur que l’événement fait partie de l’historique signé et n’a pas été modifié. Chaque étape vient d’être faite, à partir des octets du journal.
proof-good = L’événement fait partie de l’historique signé, sans changement.
proof-bad = La preuve ne tient pas. Gardez tout en l’état et consultez docs/verify.md.
proof-not-yet = Aucun point de contrôle ne couvre encore cet événement ; le prochain le fera, d’ici une minute.
proof-ok = juste
proof-not-ok = FAUX
proof-index = Indice de la feuille
proof-size = Taille de l’arbre
proof-step-event = 1. Empreinte de l’événement tel qu’il est consigné
proof-step-leaf = 2. Empreinte de sa feuille, la même que dans le registre
proof-step-path = 3. Le chemin de preuve mène de la feuille à cette racine
proof-step-root = 4. Le point de contrôle nomme la même taille et la même racine
proof-step-key = 5. La signature du point de contrôle est bonne avec la clé de la clinique
proof-levels = { $count ->
    [one] Le chemin de preuve, { $count } niveau
   *[other] Le chemin de preuve, { $count } niveaux
}
proof-sibling = Avec
proof-gives = donne
proof-checkpoint = Point de contrôle signé
proof-offline = Vérifier sans ce serveur
proof-offline-how = Avec la preuve, l’empreinte du reçu de la réservation et la clé de la clinique, sur n’importe quel ordinateur :
proof-offline-all = Ou tout l’historique d’un coup :

access-lead = Chaque réponse qui a montré des données personnelles, et chaque refus ; consignés avant l’envoi.
access-of-person = Qui a vu les renseignements de cette personne
access-patient = De ce patient (identifiant)
access-patient-how = Avec les dossiers fusionnés et les coordonnées de ses rendez-vous. Un motif est demandé.
access-member = Par
access-anybody = tous
access-from = Du
access-to = Au
access-outcome = Issue
access-both = les deux
access-shown = montré
access-refused = refusé
access-operation = Opération
access-whose = De qui
access-nobody = Cet identifiant n’est celui d’aucun patient de cette clinique.
access-persons = { $count ->
    [one] { $count } personne
   *[other] { $count } personnes
}

erasures-lead = Qui devait être oublié, ce qui a été décidé et ce qui a été exécuté. Ouvrir une demande est consigné.
erasures-retention = Conservation : { $years } ans après le dernier rendez-vous avec un dossier, { $days } jours sans dossier. Entre la décision et l’effacement : { $wait } jours.
erasures-open = Seulement les demandes en cours
erasures-all = Toutes les demandes
erasure-progress = Où en est-on
erasure-basis = Demandé par
erasure-asked-at = Demandé le
erasure-since = Depuis
erasure-until = Jusqu’au, ou à partir du
erasure-keep = À conserver jusqu’au
erasure-requested = demandé, non décidé
erasure-withdrawn = retiré
erasure-refused = refusé
erasure-refused-retention = refusé : conservation obligatoire
erasure-refused-hold = refusé : garde légale
erasure-approved = accordé, délai de réflexion
erasure-erased = { $count ->
    [one] effacé, { $count } clé détruite
   *[other] effacé, { $count } clés détruites
}
erasure-none = rien de demandé
erasure-by-person = la personne
erasure-by-time = la fin de la conservation
erasure-held = garde légale
erasure-reason = Motifs
erasure-note = Qui a demandé, et comment
erasure-note-how = Jusqu’à 2 000 caractères. Ce texte survit à l’effacement : ne nommez personne.
erasure-ask = Noter que la personne souhaite être oubliée
erasure-ask-how = Rien n’est effacé ainsi : un administrateur décide, et il reste des jours pour revenir en arrière.
erasure-approve = Accorder
erasure-refuse = Refuser
erasure-take-back = Retirer la demande
erasure-carry-out = Effacer maintenant
erasure-hold = Mettre sous garde légale
erasure-release = Lever la garde légale
erasure-too-early = Le délai de réflexion n’est pas écoulé.
erasure-no-request = Il n’y a plus de demande en cours.

ledger-lead = Chaque événement du journal est une feuille d’un seul arbre de Merkle. Sa taille et sa racine sont signées de temps à autre ; quiconque garde un point de contrôle signé peut découvrir plus tard si quelque chose d’antérieur a été modifié.
ledger-holds = L’historique concorde avec ce qui a été signé.
ledger-checking = L’historique est comparé au dernier point de contrôle. Aucune commande n’est acceptée entre-temps.
ledger-broken = ARRÊT : l’historique n’est pas celui qui a été signé. Aucune commande n’est acceptée ; la lecture continue.
ledger-size = Événements dans l’arbre
ledger-root = Racine
ledger-signed = Signé jusqu’à
ledger-unsigned = { $count } non encore signés
ledger-anchors = Gardé à l’extérieur
ledger-anchored = chaque point de contrôle va aussi à un fichier ou à une commande à l’extérieur
ledger-no-anchor = non : personne à l’extérieur ne reçoit les points de contrôle ; gardez-en un vous-même de temps à autre
ledger-anchor-trouble = le dernier n’est pas arrivé
ledger-key = Clé qui le vérifie
ledger-keep = Gardez ce texte ailleurs : il permet de découvrir un historique modifié par la suite.
ledger-download = En fichier
ledger-verify = Tout vérifier
ledger-verify-how = Sur le serveur, ou sur une exportation sur tout autre ordinateur ; aussi contre un point de contrôle que vous avez gardé :
