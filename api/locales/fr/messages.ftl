# messages
msg-booking-heading = Rendez-vous confirmé – { $clinic }
msg-booking-opening =
    Bonjour,

    Votre rendez-vous est confirmé.
msg-change-heading = Rendez-vous modifié – { $clinic }
msg-change-opening =
    Bonjour,

    Votre rendez-vous a été modifié. Voici ce qu’il est maintenant.
msg-cancellation-heading = Rendez-vous annulé – { $clinic }
msg-cancellation-opening =
    Bonjour,

    Ce rendez-vous est annulé.
msg-when = Quand : { $when } – { $zone }
msg-duration = Durée : { $duration }
msg-with = Avec : { $practitioner }
msg-service = Consultation : { $service }
msg-in-person = À la clinique
msg-video = Par vidéo
msg-telephone = Par téléphone
msg-home-visit = À domicile
msg-reference = Référence : { $reference }
msg-phone = Téléphone : { $phone }
msg-change-link =
    Pour déplacer ou annuler ce rendez-vous, en ligne jusqu’au { $until } :
    { $link }
msg-manage-plain = Déplacer ou annuler : { $link }
msg-portal =
    Pour prendre un autre rendez-vous :
    { $link }
msg-portal-again =
    Pour prendre un nouveau rendez-vous :
    { $link }
msg-calendar-summary = Rendez-vous – { $clinic }
msg-sms-booking = { $clinic } : rendez-vous confirmé, { $when }. Réf. { $reference }.
msg-sms-change = { $clinic } : rendez-vous modifié, maintenant { $when }. Réf. { $reference }.
msg-sms-cancellation = { $clinic } : rendez-vous annulé, { $when }. Réf. { $reference }.
msg-code-heading = Votre code – { $clinic }
msg-code-text =
    Votre code pour la prise de rendez-vous en ligne : { $code }

    Il est valable { $minutes } minutes. Ne le donnez à personne.
msg-code-not-you = Si vous n’avez rien demandé, ne faites rien : quelqu’un a sans doute mal écrit son adresse.
msg-sms-code = { $clinic } : votre code est { $code }, valable { $minutes } minutes. Ne le donnez à personne.
