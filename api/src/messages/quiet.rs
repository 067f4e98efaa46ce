//! Quiet hours: between 21:00 and 08:00 on the clinic's wall no telephone rings for what the clinic did.
//!
//! Held back are notices by SMS, unless the patient's own act a moment ago is answered, or the morning would be too
//! late: the appointment begins within an hour after it. Codes and e-mail never wait.

use booking_domain::time::{Instant, Tz, WallTime, resolve};

/// When quiet hours begin.
const BEGIN: WallTime = WallTime(21 * 60);
/// When they end.
const END: WallTime = WallTime(8 * 60);
/// How long the patient's own act counts as a moment ago, in minutes.
const A_MOMENT: i64 = 30;
/// An appointment that begins so many minutes after the end of quiet hours is told of at once.
const TOO_LATE: i64 = 60;

/// Why a notice is sent.
#[derive(Clone, Copy, Debug)]
pub struct Cause {
    /// The patient did it.
    pub own_act: bool,
    /// When it happened.
    pub at: Instant,
}

/// Until when a notice by SMS has to wait; none: it may go now. `start`: when the appointment begins.
pub fn quiet_until(cause: Cause, start: Instant, zone: Tz, now: Instant) -> Option<Instant> {
    if cause.own_act && now.since(cause.at) <= A_MOMENT * 60_000_000 {
        return None;
    }
    let (date, time) = now.wall(zone);
    let morning = if time >= BEGIN {
        date.plus_days(1)
    } else if time < END {
        date
    } else {
        return None;
    };
    let end = resolve(morning, END, zone).first_or_next();
    (start > end.plus_minutes(TOO_LATE)).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_domain::time::WallDate;

    const ZONE: Tz = Tz::America__Toronto;

    fn at(date: &str, time: &str) -> Instant {
        resolve(WallDate::parse(date).unwrap(), WallTime::parse(time).unwrap(), ZONE).first_or_next()
    }

    #[test]
    fn what_the_clinic_did_waits_for_the_morning() {
        let start = at("2026-11-30", "10:00");
        let by_staff = |now| quiet_until(Cause { own_act: false, at: now }, start, ZONE, now);
        assert_eq!(by_staff(at("2026-11-24", "20:59")), None);
        assert_eq!(by_staff(at("2026-11-24", "21:00")), Some(at("2026-11-25", "08:00")));
        assert_eq!(by_staff(at("2026-11-25", "07:59")), Some(at("2026-11-25", "08:00")));
        assert_eq!(by_staff(at("2026-11-25", "08:00")), None);
    }

    #[test]
    fn the_answer_to_an_own_act_does_not_wait_but_a_late_one_does() {
        let (start, act) = (at("2026-11-30", "10:00"), at("2026-11-24", "22:00"));
        let own = |now| quiet_until(Cause { own_act: true, at: act }, start, ZONE, now);
        assert_eq!(own(act.plus_minutes(1)), None);
        assert_eq!(own(act.plus_minutes(31)), Some(at("2026-11-25", "08:00")));
    }

    #[test]
    fn what_the_morning_would_be_too_late_for_goes_at_once() {
        let now = at("2026-11-24", "22:00");
        let by_staff = |start| quiet_until(Cause { own_act: false, at: now }, start, ZONE, now);
        assert_eq!(by_staff(at("2026-11-25", "07:30")), None);
        assert_eq!(by_staff(at("2026-11-25", "09:00")), None);
        assert_eq!(by_staff(at("2026-11-25", "09:01")), Some(at("2026-11-25", "08:00")));
    }
}
