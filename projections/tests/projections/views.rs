//! The views one by one: clinics, appointments on the move, the queue, the rendered agenda, demand.

use crate::support::*;
use booking_domain::agenda_day::*;
use booking_domain::clinic::*;
use booking_domain::ids::*;
use booking_domain::staff::{MemberAdded, StaffEvent};
use booking_domain::stream::StreamName;
use booking_domain::template::{TemplateCreated, TemplateEvent};
use booking_domain::time::{Span, WallDate};
use booking_domain::values::*;
use booking_projections::agenda::{Icon, State, render};

fn source(date: WallDate, minute: i64) -> Source {
    Source { slot: slot(1), span: Span::minutes(midnight(date).plus_minutes(minute), 20) }
}

#[tokio::test]
async fn old_addresses_of_a_portal_lead_to_the_clinic_and_to_its_address_of_today() {
    let (folder, log) = (folder(), Log::new());
    log.clinic(1).await;
    let moved = PortalConfigured { slug: "nouvelle".into(), ..PortalConfigured::default() };
    log.happen(&StreamName::clinic(clinic()), ClinicEvent::PortalConfigured(moved)).await;
    let path = folder.path().join("views.db");
    for _ in 0..2 {
        let views = views(&path, &log).await;
        let expected = Some((clinic(), "nouvelle".to_owned()));
        assert_eq!(views.clinics.by_slug("clinique"), expected);
        assert_eq!(views.clinics.by_slug("nouvelle"), expected);
        assert_eq!(views.clinics.by_slug("autre"), None);
        assert_eq!(views.clinics.clinics().len(), 1);
        assert_eq!(views.clinics.clinic(clinic()).unwrap().agendas.len(), 1);
        views.close().await;
    }
}

#[tokio::test]
async fn members_and_templates_are_listed_by_clinic_and_a_deleted_template_is_not() {
    let (folder, log) = (folder(), Log::new());
    let member = MemberId::from_bytes([6; 16]);
    let added = MemberAdded { member, clinic: clinic(), role: Role::Scheduler, identity: sealed(3), machine: false };
    log.happen(&StreamName::staff(member), StaffEvent::MemberAdded(added)).await;
    log.happen(&StreamName::staff(member), StaffEvent::MemberDisabled).await;
    let mut ids = vec![];
    for n in 1..3 {
        let template = TemplateId::from_bytes([n; 16]);
        let (practitioner, name) = (practitioner(1), "Semaine".to_owned());
        let created = TemplateCreated { template, clinic: clinic(), practitioner, name, day_span: 7, slots: vec![] };
        log.happen(&StreamName::template(template), TemplateEvent::TemplateCreated(created)).await;
        ids.push(template);
    }
    log.happen(&StreamName::template(ids[0]), TemplateEvent::TemplateDeleted).await;
    let path = folder.path().join("views.db");
    for _ in 0..2 {
        let views = views(&path, &log).await;
        let members = views.clinics.members(clinic());
        assert_eq!(members.iter().map(|m| (m.role, m.disabled)).collect::<Vec<_>>(), [(Some(Role::Scheduler), true)]);
        assert_eq!(members[0].added.as_ref().unwrap().identity, sealed(3));
        let listed = views.clinics.templates(clinic());
        assert_eq!(listed.iter().map(|t| t.created.as_ref().unwrap().template).collect::<Vec<_>>(), [ids[1]]);
        assert!(views.clinics.template(ids[0]).unwrap().deleted);
        assert!(views.clinics.members(ClinicId::default()).is_empty());
        views.close().await;
    }
}

#[tokio::test]
async fn an_appointment_stands_at_its_target_from_the_moment_it_left() {
    let (folder, log) = (folder(), Log::new());
    let (here, there) = (monday(), monday().plus_days(3));
    log.on_day(1, here, booked(1, 1, here, source(here, 600))).await;
    log.on_day(1, here, AgendaDayEvent::AttendanceConfirmed(AboutAppointment { appointment: appointment(1) })).await;
    let movement = CommandId::from_bytes([8; 16]);
    let target = placement(2, there, source(there, 700));
    let reserved = MoveReserved {
        appointment: appointment(1),
        movement,
        source_agenda: agenda(1),
        source_date: here,
        placement: target.clone(),
    };
    let views = views(&folder.path().join("views.db"), &log).await;
    let row = async || views.appointments.by_id(appointment(1)).await.unwrap().unwrap();
    let position = log.on_day(2, there, AgendaDayEvent::MoveReserved(reserved)).await;
    assert!(views.wait_for_all(position, PATIENCE).await);
    assert_eq!((row().await.place(), row().await.status), ((agenda(1), here), Status::Confirmed));

    let out = AppointmentMovedOut {
        appointment: appointment(1),
        movement,
        target_agenda: agenda(2),
        target_date: there,
        dropped: vec![],
        by_patient: false,
    };
    let position = log.on_day(1, here, AgendaDayEvent::AppointmentMovedOut(out)).await;
    assert!(views.wait_for_all(position, PATIENCE).await);
    let moved = row().await;
    assert_eq!((moved.place(), &moved.placement, moved.in_transit), ((agenda(2), there), &target, true));
    assert_eq!((moved.status, &moved.moved_from[..]), (Status::Booked, &[(agenda(1), here)][..]));
    let of_day = |date: WallDate| (midnight(date), midnight(date.plus_days(1)));
    let listed = async |date| views.appointments.in_range(clinic(), of_day(date), None, None, 10).await.unwrap().len();
    assert_eq!((listed(here).await, listed(there).await), (0, 1));

    let arrived = AppointmentMovedIn {
        booking: Booking { agenda: agenda(2), ..booking(1, 2) },
        movement,
        placement: target,
        source_agenda: agenda(1),
        source_date: here,
        booked_at: now(),
        status: Status::Booked,
        attached: false,
    };
    let position = log.on_day(2, there, AgendaDayEvent::AppointmentMovedIn(arrived)).await;
    assert!(views.wait_for_all(position, PATIENCE).await);
    let moved = row().await;
    let touched = touched_in(era_of(movement), 1);
    assert_eq!((moved.in_transit, moved.touched, &moved.moved_from[..]), (false, touched, &[(agenda(1), here)][..]));
    assert_eq!((moved.contact, moved.reason), (Some(sealed(7)), Some(sealed(8))));
    views.close().await;
}

#[tokio::test]
async fn appointments_are_found_by_reference_link_patient_subject_and_time_page_by_page() {
    let (folder, log) = (folder(), Log::new());
    for n in 0..7_i64 {
        let (id, of) = (u64::try_from(n).unwrap(), u8::try_from(n % 2).unwrap());
        log.on_day(of, monday(), booked(id, of, monday(), source(monday(), n * 30))).await;
    }
    let patient = PatientId::from_bytes([3; 16]);
    let subject = booking(4, 0).subject;
    let attached = PatientAttached { appointment: appointment(4), patient, subject };
    log.on_day(0, monday(), AgendaDayEvent::PatientAttached(attached)).await;
    let cancelled = AppointmentCancelled {
        appointment: appointment(5),
        cancelled_at: now(),
        by_patient: true,
        reason: Some(sealed(9)),
        keep_record: true,
        dropped: vec![],
    };
    log.on_day(1, monday(), AgendaDayEvent::AppointmentCancelled(cancelled)).await;
    let views = views(&folder.path().join("views.db"), &log).await;
    let a = &views.appointments;
    assert_eq!(a.by_reference(clinic(), "REF3").await.unwrap()[0].id, appointment(3));
    assert!(a.by_reference(ClinicId::default(), "REF3").await.unwrap().is_empty());
    assert_eq!(a.by_link_hash(&[6; 32]).await.unwrap().unwrap().id, appointment(6));
    assert_eq!(a.by_link_hash(&[99; 32]).await.unwrap(), None);
    assert_eq!(a.of_patient(clinic(), &[patient]).await.unwrap()[0].id, appointment(4));
    assert!(a.subject_known(subject).await.unwrap());
    assert!(!a.subject_known(SubjectId::from_bytes([99; 16])).await.unwrap());
    let cancelled = a.by_id(appointment(5)).await.unwrap().unwrap();
    assert_eq!(cancelled.cancellation.unwrap().reason, Some(sealed(9)));

    let day = (midnight(monday()), midnight(monday().plus_days(1)));
    let (mut all, mut after) = (vec![], None);
    loop {
        let page = a.in_range(clinic(), day, None, after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.placement.span.start, last.id));
        all.extend(page.iter().map(|row| row.id));
    }
    assert_eq!(all, (0..7).map(appointment).collect::<Vec<_>>());
    let of_agenda = a.in_range(clinic(), day, Some(agenda(1)), None, 10).await.unwrap();
    assert_eq!(of_agenda.iter().map(|row| row.id).collect::<Vec<_>>(), [1, 3, 5].map(appointment));

    // Without the one that was attached and the one that was cancelled, soonest first.
    let queue = a.reconciliation(clinic(), None, 10).await.unwrap();
    assert_eq!(queue.iter().map(|row| row.id).collect::<Vec<_>>(), [0, 1, 2, 3, 6].map(appointment));
    let noon = (midnight(monday()).plus_minutes(70), AppointmentId::default());
    let rest = a.reconciliation(clinic(), Some(noon), 1).await.unwrap();
    assert_eq!(rest.iter().map(|row| row.id).collect::<Vec<_>>(), [appointment(3)]);
    views.close().await;
}

#[tokio::test]
async fn a_rendered_day_shows_icons_states_and_ended_appointments_and_no_personal_data() {
    let (folder, log) = (folder(), Log::new());
    let date = monday();
    let mut later = facts(date, 14, 1, 20);
    later.publication = PublicationOverride::MinutesBefore(60);
    let mut internal = facts(date, 16, 1, 20);
    (internal.activity, internal.title) = (None, Some("Meeting".into()));
    for (n, facts) in [(1, facts(date, 9, 2, 20)), (2, later), (3, internal)] {
        log.on_day(1, date, published(n, 1, date, facts)).await;
    }
    log.on_day(1, date, booked(1, 1, date, source(date, 540))).await;
    log.on_day(1, date, booked(2, 1, date, source(date, 560))).await;
    let dropped = vec![source(date, 560)];
    let cancelled = AppointmentCancelled {
        appointment: appointment(2),
        cancelled_at: now(),
        by_patient: true,
        reason: Some(sealed(9)),
        keep_record: true,
        dropped,
    };
    log.on_day(1, date, AgendaDayEvent::AppointmentCancelled(cancelled)).await;
    let with_tail = Placement {
        span: Span::minutes(midnight(date).plus_minutes(600), 45),
        only_selected: true,
        ..placement(1, date, source(date, 600))
    };
    let staff = Booking { booked_by: BookedBy::Staff, patient: Some(PatientId::default()), ..booking(3, 1) };
    let planned = AppointmentBooked { booking: staff, placement: with_tail, hold: None };
    log.on_day(1, date, AgendaDayEvent::AppointmentBooked(planned)).await;
    let views = views(&folder.path().join("views.db"), &log).await;
    let day = views.agenda.day(agenda(1), date).await.unwrap().unwrap();
    let shown = render(&the_clinic(2), agenda(1), date, &day, now());

    let pieces: Vec<_> = shown.slots[0].availabilities.iter().map(|a| (a.icon, a.state)).collect();
    let free = (Icon::Cloud, State::Free);
    let taken = (Icon::None, State::Booked);
    assert_eq!(pieces, [taken, (Icon::None, State::Removed), free, taken, free, free]);
    assert_eq!(shown.slots[0].availabilities[2].publications[0].at, None, "at once");
    let clock = &shown.slots[1].availabilities[0];
    let at = clock.time.start.plus_minutes(-60);
    assert_eq!((clock.icon, clock.publications[0].at), (Icon::CloudClock, Some(at)));
    assert!(shown.slots[2].availabilities.iter().all(|a| a.icon == Icon::None && a.publications.is_empty()));
    assert_eq!(shown.slots[0].activity_name.as_deref(), Some("Annual"));

    let icons: Vec<_> = shown.appointments.iter().map(|a| (a.icon, a.status, a.provisional, a.live)).collect();
    assert_eq!(
        icons,
        [
            (Icon::CloudCheck, "booked", true, true),
            (Icon::CloudCheck, "cancelled", true, false),
            (Icon::None, "booked", false, true)
        ]
    );
    let tail = shown.appointments[2].tail.unwrap();
    assert_eq!((tail.len_minutes(), shown.appointments[2].only_selected), (25, true));
    assert_eq!(shown.appointments[1].touched, 5);
    let json = serde_json::to_string(&shown).unwrap();
    assert!(json.contains("cloud_clock") && !json.contains("ciphertext"), "{json}");
    assert_eq!(views.agenda.days(agenda(1), date, date).await.unwrap().len(), 1);
    views.close().await;
}

#[tokio::test]
async fn demand_is_added_up_by_day_service_reason_and_class_of_viewer() {
    use booking_domain::demand::{DemandCounted, DemandEvent};
    let (folder, log) = (folder(), Log::new());
    let count = async |writer: u8, service, reason, count| {
        let stream = StreamName::demand(clinic(), monday(), uuid::Uuid::from_bytes([writer; 16]));
        let (viewer, from, until) = (ViewerClass::Unrecognized, now(), now().plus_minutes(1));
        let counted = DemandCounted { clinic: clinic(), service, reason, viewer, count, from, until };
        log.happen(&stream, DemandEvent::DemandCounted(counted)).await;
    };
    count(1, Some(service()), DemandReason::Taken, 2).await;
    count(2, Some(service()), DemandReason::Taken, 3).await;
    count(1, None, DemandReason::NoService, 4).await;
    let views = views(&folder.path().join("views.db"), &log).await;
    let daily = views.demand.daily(clinic(), monday(), monday()).await.unwrap();
    let found: Vec<_> = daily.iter().map(|(key, n)| (key.service, key.reason, *n)).collect();
    assert_eq!(found, [(None, DemandReason::NoService, 4), (Some(service()), DemandReason::Taken, 5)]);
    assert!(views.demand.daily(clinic(), monday().plus_days(1), monday().plus_days(9)).await.unwrap().is_empty());
    views.close().await;
}
