//! Every SQL text of the vault, each with the types that it takes and gives. No logic here.
//!
//! There is one text for both databases: `$n` for a parameter, no function and no clause that only one of them has, so
//! that what is tested on one is what runs on the other. What cannot be the same stands in `database.rs`. A test
//! has PostgreSQL and SQLite prepare every text and compares the types with what is said here (`sql_tests.rs`).

use super::value::Kind;

/// A statement.
pub(super) struct Sql {
    pub(super) text: &'static str,
    /// Its parameters, `$1` first.
    pub(super) takes: &'static [Kind],
    /// Its columns.
    #[cfg_attr(not(test), allow(dead_code, reason = "what a test compares with the databases"))]
    pub(super) gives: &'static [Kind],
}

/// Rows for one table; the writer joins many into one statement.
pub(super) struct Insert {
    /// Up to and with `VALUES`.
    pub(super) head: &'static str,
    /// Values in one row.
    pub(super) takes: &'static [Kind],
}

impl Insert {
    /// Rows in one statement; twelve columns of these stay below a database's 32,766 parameters.
    pub(super) const ROWS: usize = 500;

    /// Values in one row.
    pub(super) const fn columns(&self) -> usize {
        self.takes.len()
    }
}

/// A change of the rows of some ids; the writer joins many into one statement.
pub(super) struct Each {
    /// Up to and with `IN`.
    pub(super) head: &'static str,
}

impl Each {
    /// Ids in one statement.
    pub(super) const IDS: usize = 500;
}

macro_rules! statements {
    ($all:ident: $($(#[$doc:meta])* $name:ident($($takes:ident),*) -> ($($gives:ident),*) = $text:expr;)*) => {
        $($(#[$doc])* pub(super) static $name: Sql =
            Sql { text: $text, takes: &[$(Kind::$takes),*], gives: &[$(Kind::$gives),*] };)*
        #[cfg(test)]
        pub(super) static $all: &[(&str, &Sql)] = &[$((stringify!($name), &$name)),*];
    };
}

macro_rules! inserts {
    ($($name:ident($($takes:ident),*) = $head:expr;)*) => {
        $(pub(super) static $name: Insert = Insert { head: $head, takes: &[$(Kind::$takes),*] };)*
        #[cfg(test)]
        pub(super) static INSERTS: &[(&str, &Insert)] = &[$((stringify!($name), &$name)),*];
    };
}

inserts! {
    INSERT_VAULT_KEY(Int, Bytes) = "INSERT INTO vault_key (\"only\", wrapped) VALUES";
    INSERT_CLINIC_KEY(Bytes, Int, Bytes, Int, Int) =
        "INSERT INTO clinic_keys (clinic, version, wrapped, created_at, rewrapped_at) VALUES";
    INSERT_SUBJECT_KEY(Bytes, Bytes, Int, Bytes, Int, Bytes, Int) =
        "INSERT INTO subject_keys (subject, clinic, version, wrapped, created_at, visit, wrapped_under) VALUES";
    INSERT_VISIT(Bytes, Bytes, Bytes, Bytes, Bytes, Bytes, Text, Int, Int, Int, Int, Bytes) =
        "INSERT INTO visits (id, clinic, token_hash, subject, identity, patient, language, proof, terms_version, \
         opened_at, expires_at, source_hash) VALUES";
    INSERT_INVITATION(Bytes, Bytes, Bytes, Int) =
        "INSERT INTO invitations (token_hash, member, clinic, expires_at) VALUES";
    INSERT_SESSION(Bytes, Bytes, Bytes, Int, Int) =
        "INSERT INTO sessions (token_hash, member, clinic, opened_at, last_seen) VALUES";
    INSERT_BEARER(Bytes, Bytes, Bytes, Bytes, Int, Text, Int) =
        "INSERT INTO bearer_tokens (token_hash, id, clinic, member, role, label, created_at) VALUES";
    INSERT_IDEMPOTENCY(Bytes, Bytes, Int) =
        "INSERT INTO idempotency (command_id, body_hash, created_at) VALUES";
    INSERT_CURSOR(Text, Int) = "INSERT INTO cursors (name, position) VALUES";
    INSERT_CODE_MESSAGE(Bytes, Bytes, Int, Int, Int, Int, Bytes, Bytes, Int, Int, Int, Int) =
        "INSERT INTO outbox (id, clinic, kind, state, own_act, caused_at, subject, content, channel, expires_at, \
         attempts, next_attempt) VALUES";
    INSERT_SHOWN(Bytes, Bytes, Bytes, Bytes, Int) =
        "INSERT INTO shown_messages (id, clinic, subject, sealed, sent_at) VALUES";
}

/// As [`KEEP_SUBJECT`], of subjects of any clinic: an id is one person's in one clinic. A key that is kept is left as it is.
pub(super) static KEEP_SUBJECTS: Each = Each {
    head: "UPDATE subject_keys SET visit = NULL WHERE wrapped IS NOT NULL AND visit IS NOT NULL AND subject IN",
};

/// Asked for at once in [`SUBJECT_KEYS`].
pub(super) const SUBJECTS: usize = 500;
/// The keys of a clinic's subjects, NULL for a destroyed one: between the two parts stands the list of them.
pub(super) const SUBJECT_KEYS: [&str; 2] =
    ["SELECT subject, version, wrapped, wrapped_under FROM subject_keys WHERE subject IN", "AND clinic ="];

statements! { STATEMENTS:
    VAULT_KEY() -> (Bytes) = "SELECT wrapped FROM vault_key WHERE \"only\" = 1";
    REWRAP_VAULT_KEY(Bytes, Bytes) -> () =
        "UPDATE vault_key SET wrapped = $1 WHERE \"only\" = 1 AND wrapped = $2";
    /// The vault's own key is wrapped as it was when it was read: no other root key came into use since.
    SAME_VAULT_KEY(Bytes) -> () = "UPDATE vault_key SET wrapped = $1 WHERE \"only\" = 1 AND wrapped = $1";

    CLINIC_KEYS(Bytes) -> (Int, Bytes) = "SELECT version, wrapped FROM clinic_keys WHERE clinic = $1 ORDER BY version";
    ALL_CLINIC_KEYS(Bytes, Int, Int) -> (Bytes, Int, Bytes) = "SELECT clinic, version, wrapped FROM clinic_keys \
         WHERE (clinic, version) > ($1, $2) ORDER BY clinic, version LIMIT $3";
    REWRAP_CLINIC_KEY(Bytes, Int, Bytes, Bytes) -> () =
        "UPDATE clinic_keys SET wrapped = $3 WHERE clinic = $1 AND version = $2 AND wrapped = $4";
    UNFINISHED() -> (Bytes, Int) =
        "SELECT clinic, version FROM clinic_keys WHERE rewrapped_at IS NULL ORDER BY clinic, version";
    FINISH_ROTATION(Bytes, Int, Int) -> () =
        "UPDATE clinic_keys SET rewrapped_at = $3 WHERE clinic = $1 AND version = $2";
    KEY_STATUS() -> (Bytes, Int, Int, Int) = "SELECT clinic, version, created_at, rewrapped_at FROM clinic_keys AS k \
         WHERE NOT EXISTS (SELECT 1 FROM clinic_keys AS newer WHERE newer.clinic = k.clinic \
         AND newer.version > k.version) ORDER BY clinic";
    /// Keys of a clinic's people that are wrapped under an older version than $3, after the person $2.
    WRAPPED_BEFORE(Bytes, Bytes, Int, Int) -> (Bytes, Int, Int, Bytes) =
        "SELECT subject, version, wrapped_under, wrapped FROM subject_keys \
         WHERE clinic = $1 AND subject > $2 AND wrapped_under < $3 AND wrapped IS NOT NULL ORDER BY subject LIMIT $4";
    /// A key that was destroyed meanwhile stays destroyed.
    REWRAP_SUBJECT(Bytes, Bytes, Bytes, Int, Bytes) -> () =
        "UPDATE subject_keys SET wrapped = $3, wrapped_under = $4 WHERE subject = $1 AND clinic = $2 AND wrapped = $5";

    SUBJECT_KEY(Bytes, Bytes) -> (Int, Bytes, Int) = "SELECT version, wrapped, wrapped_under FROM subject_keys \
         WHERE subject = $1 AND clinic = $2 AND wrapped IS NOT NULL";
    KEEP_SUBJECT(Bytes, Bytes) -> () =
        "UPDATE subject_keys SET visit = NULL WHERE subject = $1 AND clinic = $2 AND wrapped IS NOT NULL";
    /// Leaves a row also for a subject that had none: nobody makes a key for it any more.
    DESTROY_SUBJECT(Bytes, Bytes, Int) -> () =
        "INSERT INTO subject_keys (subject, clinic, version, created_at, destroyed_at) VALUES ($1, $2, 1, $3, $3) \
         ON CONFLICT (subject) DO UPDATE SET wrapped = NULL, visit = NULL, destroyed_at = $3 \
         WHERE subject_keys.clinic = $2 AND subject_keys.wrapped IS NOT NULL";
    DESTROY_VISITS_OF(Bytes, Bytes) -> () = "DELETE FROM visits WHERE subject = $1 AND clinic = $2";

    VISIT(Bytes) -> (Bytes, Bytes, Bytes, Bytes, Bytes, Bytes, Text, Int, Int, Int, Int, Bytes, Bytes) =
        "SELECT id, clinic, token_hash, subject, identity, patient, language, proof, terms_version, opened_at, \
         expires_at, source_hash, draft FROM visits WHERE token_hash = $1";
    SET_DRAFT(Bytes, Bytes) -> () = "UPDATE visits SET draft = $2 WHERE id = $1";
    TOUCH_VISIT(Bytes, Int) -> () = "UPDATE visits SET expires_at = $2 WHERE id = $1 AND expires_at < $2";
    PROVE_VISIT(Bytes, Int, Bytes) -> () = "UPDATE visits SET proof = $2, patient = $3 WHERE id = $1";
    /// A contact that was proven stays proven.
    PROVE_CONTACT(Bytes, Int) -> () = "UPDATE visits SET proof = proof | $2 WHERE id = $1";
    /// Subjects of visits opened at or before $1 whose keys nobody kept.
    UNKEPT(Int) -> (Bytes, Bytes) =
        "SELECT k.subject, k.clinic FROM subject_keys k JOIN visits v ON k.visit = v.id WHERE v.opened_at <= $1";
    PURGE_SUBJECTS(Int) -> () =
        "DELETE FROM subject_keys WHERE visit IN (SELECT id FROM visits WHERE opened_at <= $1)";
    PURGE_VISITS(Int) -> () = "DELETE FROM visits WHERE opened_at <= $1";

    SET_MEMBER(Bytes, Bytes, Bytes, Int) -> () =
        "INSERT INTO credentials (member, clinic, email_hash, updated_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (member) DO UPDATE SET email_hash = $3, updated_at = $4 WHERE credentials.clinic = $2";
    INVITATION(Bytes, Int) -> (Bytes, Bytes, Bytes) = "SELECT i.token_hash, i.member, i.clinic FROM invitations i \
         JOIN credentials c ON c.member = i.member AND c.disabled = 0 \
         WHERE i.token_hash = $1 AND i.used_at IS NULL AND i.expires_at > $2";
    /// The member may have been disabled since somebody looked.
    USE_INVITATION(Bytes, Int) -> () = "UPDATE invitations SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL \
         AND expires_at > $2 AND EXISTS (SELECT 1 FROM credentials c WHERE c.member = invitations.member \
         AND c.disabled = 0)";
    DROP_INVITATIONS(Bytes) -> () = "DELETE FROM invitations WHERE member = $1 AND used_at IS NULL";
    PURGE_INVITATIONS(Int) -> () = "DELETE FROM invitations WHERE expires_at <= $1";
    SET_PASSWORD(Bytes, Bytes, Text, Int) -> () =
        "UPDATE credentials SET password_hash = $3, updated_at = $4 WHERE member = $1 AND clinic = $2";
    SET_DISABLED(Bytes, Bytes, Int, Int) -> () =
        "UPDATE credentials SET disabled = $3, updated_at = $4 WHERE member = $1 AND clinic = $2";
    /// $2 NULL: in every clinic.
    CREDENTIALS(Bytes, Bytes) -> (Bytes, Bytes, Text, Int) =
        "SELECT member, clinic, password_hash, disabled FROM credentials \
         WHERE email_hash = $1 AND (clinic = $2 OR $2 IS NULL) ORDER BY clinic";

    SESSION(Bytes) -> (Bytes, Bytes, Bytes, Int, Int) =
        "SELECT token_hash, member, clinic, opened_at, last_seen FROM sessions WHERE token_hash = $1";
    TOUCH_SESSION(Bytes, Int) -> () = "UPDATE sessions SET last_seen = $2 WHERE token_hash = $1 AND last_seen < $2";
    CLOSE_SESSION(Bytes) -> () = "DELETE FROM sessions WHERE token_hash = $1";
    CLOSE_SESSIONS(Bytes) -> () = "DELETE FROM sessions WHERE member = $1";
    PURGE_SESSIONS(Int, Int) -> () = "DELETE FROM sessions WHERE last_seen <= $1 OR opened_at <= $2";

    BEARER(Bytes) -> (Bytes, Bytes, Bytes, Bytes, Int, Text, Int, Int) =
        "SELECT token_hash, id, clinic, member, role, label, created_at, revoked_at \
         FROM bearer_tokens WHERE token_hash = $1 AND revoked_at IS NULL";
    BEARERS(Bytes) -> (Bytes, Bytes, Bytes, Bytes, Int, Text, Int, Int) =
        "SELECT token_hash, id, clinic, member, role, label, created_at, revoked_at \
         FROM bearer_tokens WHERE clinic = $1 ORDER BY created_at, id";
    REVOKE_BEARER(Bytes, Bytes, Int) -> () =
        "UPDATE bearer_tokens SET revoked_at = $3 WHERE id = $1 AND clinic = $2 AND revoked_at IS NULL";
    REVOKE_BEARERS(Bytes, Int) -> () =
        "UPDATE bearer_tokens SET revoked_at = $2 WHERE member = $1 AND revoked_at IS NULL";

    IDEMPOTENCY() -> (Bytes, Bytes, Int) = "SELECT command_id, body_hash, created_at FROM idempotency";
    PURGE_IDEMPOTENCY(Int) -> () = "DELETE FROM idempotency WHERE created_at <= $1";

    CURSOR(Text) -> (Int) = "SELECT position FROM cursors WHERE name = $1";
    MOVE_CURSOR(Text, Int, Int) -> () = "UPDATE cursors SET position = $3 WHERE name = $1 AND position = $2";
    DROP_CURSOR(Text) -> () = "DELETE FROM cursors WHERE name = $1";

    /// The same event again changes nothing.
    POST_NOTICE(Bytes, Bytes, Int, Bytes, Bytes, Int, Int, Int, Int) -> () =
        "INSERT INTO outbox (id, clinic, kind, state, appointment, agenda, date, position, own_act, caused_at, \
         attempts, next_attempt) VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, 0, $9) ON CONFLICT (id) DO NOTHING";
    /// Codes first; then what has waited longest. One row for each appointment, since one claim takes them
    /// all.
    WAITING(Int, Int) -> (Bytes, Bytes, Int, Bytes) =
        "SELECT o.id, o.clinic, o.kind, o.appointment FROM outbox AS o \
         WHERE o.state = 0 AND o.next_attempt <= $1 AND (o.claimed_until IS NULL OR o.claimed_until <= $1) \
         AND NOT EXISTS (SELECT 1 FROM outbox AS other WHERE other.appointment = o.appointment \
         AND (other.next_attempt, other.id) < (o.next_attempt, o.id) AND other.state = 0 AND other.next_attempt <= $1 \
         AND (other.claimed_until IS NULL OR other.claimed_until <= $1)) \
         ORDER BY CASE WHEN o.kind > 1 THEN 1 ELSE 0 END, o.next_attempt, o.id LIMIT $2";
    NEXT_ATTEMPT() -> (Int) = "SELECT min(CASE WHEN claimed_until > next_attempt THEN claimed_until \
         ELSE next_attempt END) FROM outbox WHERE state = 0";
    CLAIM_CODE(Bytes, Bytes, Int, Int) -> () =
        "UPDATE outbox SET claim = $2, claimed_until = $3, attempts = attempts + 1 \
         WHERE id = $1 AND state = 0 AND (claimed_until IS NULL OR claimed_until <= $4)";
    /// All that waits about one appointment, unless somebody is at it.
    CLAIM_APPOINTMENT(Bytes, Bytes, Int, Int) -> () =
        "UPDATE outbox SET claim = $2, claimed_until = $3, attempts = attempts + 1 \
         WHERE appointment = $1 AND state = 0 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.appointment = $1 \
         AND o.state = 0 AND o.claimed_until > $4)";
    CLAIMED(Bytes) -> (Bytes, Bytes, Int, Bytes, Bytes, Int, Int, Int, Int, Bytes, Bytes, Int, Int, Int) =
        "SELECT id, clinic, kind, appointment, agenda, date, position, own_act, caused_at, subject, content, channel, \
         expires_at, attempts FROM outbox WHERE claim = $1 AND state = 0 ORDER BY position, id";
    RELEASE(Bytes, Int, Int) -> () = "UPDATE outbox SET claim = NULL, claimed_until = NULL, next_attempt = $2, \
         attempts = attempts - $3 WHERE claim = $1 AND state = 0";
    FINISH(Bytes, Int, Int, Text, Int) -> () =
        "UPDATE outbox SET state = $2, finished_at = $3, reason = $4, content = NULL, \
         channel = coalesce($5, channel), claim = NULL, claimed_until = NULL WHERE claim = $1 AND state = 0";
    DELIVERED(Bytes, Bytes, Int, Int, Int, Bytes) -> () =
        "UPDATE outbox SET state = 1, finished_at = $3, kind = $4, channel = $5, told = $6, content = NULL, \
         claim = NULL, claimed_until = NULL WHERE claim = $1 AND id = $2 AND state = 0";
    TOLD(Bytes) -> (Bytes) =
        "SELECT told FROM outbox WHERE appointment = $1 AND state = 1 ORDER BY position DESC LIMIT 1";
    UNDELIVERED(Bytes, Bytes) -> (Int, Int, Int, Text) = "SELECT kind, channel, finished_at, reason FROM outbox \
         WHERE clinic = $1 AND appointment = $2 AND state = 2 ORDER BY position";
    /// Of each appointment the last of them, unless a later message arrived.
    NOT_REACHED(Bytes, Int, Int) -> (Bytes, Int, Int, Int, Text) =
        "SELECT appointment, kind, channel, finished_at, reason FROM outbox AS o \
         WHERE clinic = $1 AND date >= $2 AND state = 2 AND appointment IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM outbox AS later WHERE later.appointment = o.appointment AND later.state IN (1, 2) \
         AND later.position > o.position) ORDER BY date, position LIMIT $3";
    DELIVERIES(Bytes, Bytes) -> (Int, Int, Int) = "SELECT kind, channel, finished_at FROM outbox \
         WHERE clinic = $1 AND appointment = $2 AND state = 1 ORDER BY position";
    PURGE_OUTBOX(Int) -> () = "DELETE FROM outbox WHERE finished_at <= $1";

    END_CODES(Bytes, Int) -> () = "UPDATE codes SET expires_at = $2 WHERE visit = $1 AND expires_at > $2";
    /// Nothing is inserted when the contact had its share within the last hour.
    SEND_CODE(Bytes, Bytes, Bytes, Bytes, Bytes, Int, Int, Int, Int, Int) -> () =
        "INSERT INTO codes (id, clinic, visit, contact_hash, code_hash, channel, tries, created_at, expires_at) \
         SELECT $1, $2, $3, $4, $5, $6, 0, $7, $8 \
         WHERE (SELECT count(*) FROM codes WHERE contact_hash = $4 AND created_at > $9) < $10";
    TRY_CODE(Bytes, Int, Int) -> () = "UPDATE codes SET tries = tries + 1 WHERE visit = $1 AND used_at IS NULL \
         AND expires_at > $2 AND tries < $3";
    OPEN_CODE(Bytes, Int) -> (Bytes, Bytes, Int) = "SELECT id, code_hash, channel FROM codes WHERE visit = $1 \
         AND used_at IS NULL AND expires_at > $2 ORDER BY created_at DESC LIMIT 1";
    USE_CODE(Bytes, Int) -> () =
        "UPDATE codes SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $2";
    PURGE_CODES(Int) -> () = "DELETE FROM codes WHERE created_at <= $1";

    CONTACT_QUOTA(Bytes) -> (Bytes) = "SELECT quota FROM contact_quotas WHERE contact_hash = $1 LIMIT 1";
    /// One contact has one quota, whoever books with it.
    TAKE_CONTACT_QUOTA(Bytes, Bytes, Bytes, Bytes, Int) -> () =
        "INSERT INTO contact_quotas (contact_hash, subject, clinic, quota, until) \
         SELECT $1, $2, $3, coalesce((SELECT quota FROM contact_quotas WHERE contact_hash = $1 LIMIT 1), $4), $5 \
         WHERE true ON CONFLICT (contact_hash, subject) DO UPDATE SET until = CASE \
         WHEN contact_quotas.until > $5 THEN contact_quotas.until ELSE $5 END";
    FORGET_CONTACT_QUOTAS(Bytes, Bytes) -> () = "DELETE FROM contact_quotas WHERE subject = $1 AND clinic = $2";
    PURGE_CONTACT_QUOTAS(Int) -> () = "DELETE FROM contact_quotas WHERE until <= $1";

    KEEP_SHOWN(Bytes, Int) -> () = "DELETE FROM shown_messages WHERE clinic = $1 AND id NOT IN \
         (SELECT id FROM shown_messages WHERE clinic = $1 ORDER BY sent_at DESC, id LIMIT $2)";
    SHOWN(Bytes, Int) -> (Bytes, Bytes, Bytes, Int) = "SELECT id, subject, sealed, sent_at FROM shown_messages \
         WHERE clinic = $1 ORDER BY sent_at DESC, id LIMIT $2";
}

statements! { ON_A_SERVER:
    /// The first body counts. It changes nothing if there is one.
    REMEMBER(Bytes, Bytes, Int) -> () = "INSERT INTO idempotency (command_id, body_hash, created_at) \
         VALUES ($1, $2, $3) ON CONFLICT (command_id) DO NOTHING";
    REMEMBERED(Bytes) -> (Bytes) = "SELECT body_hash FROM idempotency WHERE command_id = $1";
    /// Another holder is another number; the same goes on.
    TAKE_LEASE(Text, Bytes, Int) -> () =
        "INSERT INTO leases (name, holder, number, until) VALUES ($1, $2, 1, vault_clock() + $3) \
         ON CONFLICT (name) DO UPDATE SET holder = $2, until = vault_clock() + $3, \
         number = CASE WHEN leases.holder = $2 AND leases.until > vault_clock() THEN leases.number \
         ELSE leases.number + 1 END WHERE leases.holder = $2 OR leases.until <= vault_clock()";
    LEASE(Text, Bytes) -> (Int) =
        "SELECT number FROM leases WHERE name = $1 AND holder = $2 AND until > vault_clock()";
    HOLD_LEASE(Text, Bytes, Int) -> () =
        "UPDATE leases SET number = number WHERE name = $1 AND holder = $2 AND number = $3 AND until > vault_clock()";
    GIVE_LEASE_BACK(Text, Bytes, Int) -> () =
        "UPDATE leases SET until = 0 WHERE name = $1 AND holder = $2 AND number = $3";
    GIVE_LEASES_BACK(Bytes) -> () = "UPDATE leases SET until = 0 WHERE holder = $1";
    PUT_CHECKPOINT(Int, Text) -> () = "INSERT INTO checkpoints (\"only\", size, note) VALUES (1, $1, $2) \
         ON CONFLICT (\"only\") DO UPDATE SET size = $1, note = $2 WHERE checkpoints.size < $1";
    CHECKPOINT() -> (Int, Text) = "SELECT size, note FROM checkpoints";
    CLOCK() -> (Int) = "SELECT vault_clock()";
}

#[cfg(test)]
#[path = "sql_tests.rs"]
mod tests;
