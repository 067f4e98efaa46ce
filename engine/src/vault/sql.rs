//! Every SQL text of the embedded vault, so that a second query set can stand beside it. No logic here.

/// Rows for one table; the writer joins many into one statement.
pub(super) struct Insert {
    /// Up to and with `VALUES`.
    pub(super) head: &'static str,
    /// Values in one row.
    pub(super) columns: usize,
}

impl Insert {
    /// Rows in one statement; twelve columns of these stay below the database's 32,766 parameters.
    pub(super) const ROWS: usize = 500;

    /// The statement for so many rows.
    pub(super) fn sql(&self, rows: usize) -> String {
        format!("{} {}", self.head, repeated(&format!("({})", repeated("?", self.columns)), rows))
    }
}

fn repeated(part: &str, times: usize) -> String {
    vec![part; times].join(",")
}

pub(super) const VAULT_KEY: &str = "SELECT wrapped FROM vault_key WHERE only = 1";
pub(super) static INSERT_VAULT_KEY: Insert =
    Insert { head: "INSERT INTO vault_key (only, wrapped) VALUES", columns: 2 };

pub(super) const REWRAP_VAULT_KEY: &str = "UPDATE vault_key SET wrapped = ?1 WHERE only = 1 AND wrapped = ?2";

pub(super) const CLINIC_KEYS: &str = "SELECT version, wrapped FROM clinic_keys WHERE clinic = ?1 ORDER BY version";
pub(super) static INSERT_CLINIC_KEY: Insert =
    Insert { head: "INSERT INTO clinic_keys (clinic, version, wrapped, created_at, rewrapped_at) VALUES", columns: 5 };
pub(super) const ALL_CLINIC_KEYS: &str = "SELECT clinic, version, wrapped FROM clinic_keys \
     WHERE (clinic, version) > (?1, ?2) ORDER BY clinic, version LIMIT ?3";
pub(super) const REWRAP_CLINIC_KEY: &str =
    "UPDATE clinic_keys SET wrapped = ?3 WHERE clinic = ?1 AND version = ?2 AND wrapped = ?4";
pub(super) const UNFINISHED: &str =
    "SELECT clinic, version FROM clinic_keys WHERE rewrapped_at IS NULL ORDER BY clinic";
pub(super) const FINISH_ROTATION: &str = "UPDATE clinic_keys SET rewrapped_at = ?3 WHERE clinic = ?1 AND version = ?2";
pub(super) const KEY_STATUS: &str = "SELECT clinic, max(version), created_at, rewrapped_at FROM clinic_keys \
     GROUP BY clinic ORDER BY clinic";
/// Keys of a clinic's people that are wrapped under an older version than ?3, after the person ?2.
pub(super) const WRAPPED_BEFORE: &str = "SELECT subject, version, wrapped_under, wrapped FROM subject_keys \
     WHERE clinic = ?1 AND subject > ?2 AND wrapped_under < ?3 AND wrapped IS NOT NULL ORDER BY subject LIMIT ?4";
/// A key that was destroyed meanwhile stays destroyed.
pub(super) const REWRAP_SUBJECT: &str = "UPDATE subject_keys SET wrapped = ?3, wrapped_under = ?4 \
     WHERE subject = ?1 AND clinic = ?2 AND wrapped = ?5";

pub(super) static INSERT_SUBJECT_KEY: Insert = Insert {
    head: "INSERT INTO subject_keys (subject, clinic, version, wrapped, created_at, visit, wrapped_under) VALUES",
    columns: 7,
};
pub(super) const SUBJECT_KEY: &str = "SELECT version, wrapped, wrapped_under FROM subject_keys WHERE subject = ?1 AND clinic = ?2 AND wrapped IS NOT NULL";
/// Asked for at once in [`subject_keys`].
pub(super) const SUBJECTS: usize = 500;
/// The keys of so many subjects, NULL for a destroyed one; bound are the clinic, then the subjects.
pub(super) fn subject_keys(subjects: usize) -> String {
    format!(
        "SELECT subject, version, wrapped, wrapped_under FROM subject_keys WHERE clinic = ? AND subject IN ({})",
        repeated("?", subjects)
    )
}
pub(super) const KEEP_SUBJECT: &str =
    "UPDATE subject_keys SET visit = NULL WHERE subject = ?1 AND clinic = ?2 AND wrapped IS NOT NULL";
/// Leaves a row also for a subject that had none: nobody makes a key for it any more.
pub(super) const DESTROY_SUBJECT: &str = "INSERT INTO subject_keys (subject, clinic, version, created_at, destroyed_at) \
     VALUES (?1, ?2, 1, ?3, ?3) \
     ON CONFLICT (subject) DO UPDATE SET wrapped = NULL, visit = NULL, destroyed_at = ?3 \
     WHERE clinic = ?2 AND wrapped IS NOT NULL";
pub(super) const DESTROY_VISITS_OF: &str = "DELETE FROM visits WHERE subject = ?1 AND clinic = ?2";

pub(super) static INSERT_VISIT: Insert = Insert {
    head: "INSERT INTO visits (id, clinic, token_hash, subject, identity, patient, language, proof, terms_version, \
           opened_at, expires_at, source_hash) VALUES",
    columns: 12,
};
pub(super) const VISIT: &str = "SELECT id, clinic, token_hash, subject, identity, patient, language, proof, \
     terms_version, opened_at, expires_at, source_hash, draft FROM visits WHERE token_hash = ?1";
pub(super) const SET_DRAFT: &str = "UPDATE visits SET draft = ?2 WHERE id = ?1";
pub(super) const TOUCH_VISIT: &str = "UPDATE visits SET expires_at = max(expires_at, ?2) WHERE id = ?1";
pub(super) const PROVE_VISIT: &str = "UPDATE visits SET proof = ?2, patient = ?3 WHERE id = ?1";
/// A contact that was proven stays proven.
pub(super) const PROVE_CONTACT: &str = "UPDATE visits SET proof = proof | ?2 WHERE id = ?1";
/// Subjects of visits opened at or before ?1 whose keys nobody kept.
pub(super) const UNKEPT: &str = "SELECT k.subject, k.clinic FROM subject_keys k JOIN visits v ON k.visit = v.id \
     WHERE v.opened_at <= ?1";
pub(super) const PURGE_SUBJECTS: &str =
    "DELETE FROM subject_keys WHERE visit IN (SELECT id FROM visits WHERE opened_at <= ?1)";
pub(super) const PURGE_VISITS: &str = "DELETE FROM visits WHERE opened_at <= ?1";

pub(super) const SET_MEMBER: &str = "INSERT INTO credentials (member, clinic, email_hash, updated_at) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (member) DO UPDATE SET email_hash = ?3, updated_at = ?4 WHERE clinic = ?2";
pub(super) static INSERT_INVITATION: Insert =
    Insert { head: "INSERT INTO invitations (token_hash, member, clinic, expires_at) VALUES", columns: 4 };
pub(super) const INVITATION: &str = "SELECT i.token_hash, i.member, i.clinic FROM invitations i \
     JOIN credentials c ON c.member = i.member AND c.disabled = 0 \
     WHERE i.token_hash = ?1 AND i.used_at IS NULL AND i.expires_at > ?2";
pub(super) const USE_INVITATION: &str =
    "UPDATE invitations SET used_at = ?2 WHERE token_hash = ?1 AND used_at IS NULL AND expires_at > ?2";
pub(super) const DROP_INVITATIONS: &str = "DELETE FROM invitations WHERE member = ?1 AND used_at IS NULL";
pub(super) const PURGE_INVITATIONS: &str = "DELETE FROM invitations WHERE expires_at <= ?1";
pub(super) const SET_PASSWORD: &str =
    "UPDATE credentials SET password_hash = ?3, updated_at = ?4 WHERE member = ?1 AND clinic = ?2";
pub(super) const SET_DISABLED: &str =
    "UPDATE credentials SET disabled = ?3, updated_at = ?4 WHERE member = ?1 AND clinic = ?2";
/// ?2 NULL: in every clinic.
pub(super) const CREDENTIALS: &str = "SELECT member, clinic, password_hash, disabled FROM credentials \
     WHERE email_hash = ?1 AND (?2 IS NULL OR clinic = ?2) ORDER BY clinic";

pub(super) static INSERT_SESSION: Insert =
    Insert { head: "INSERT INTO sessions (token_hash, member, clinic, opened_at, last_seen) VALUES", columns: 5 };
pub(super) const SESSION: &str =
    "SELECT token_hash, member, clinic, opened_at, last_seen FROM sessions WHERE token_hash = ?1";
pub(super) const TOUCH_SESSION: &str = "UPDATE sessions SET last_seen = max(last_seen, ?2) WHERE token_hash = ?1";
pub(super) const CLOSE_SESSION: &str = "DELETE FROM sessions WHERE token_hash = ?1";
pub(super) const CLOSE_SESSIONS: &str = "DELETE FROM sessions WHERE member = ?1";
pub(super) const PURGE_SESSIONS: &str = "DELETE FROM sessions WHERE last_seen <= ?1 OR opened_at <= ?2";

pub(super) static INSERT_BEARER: Insert = Insert {
    head: "INSERT INTO bearer_tokens (token_hash, id, clinic, member, role, label, created_at) VALUES",
    columns: 7,
};
pub(super) const BEARER: &str = "SELECT token_hash, id, clinic, member, role, label, created_at, revoked_at \
     FROM bearer_tokens WHERE token_hash = ?1 AND revoked_at IS NULL";
pub(super) const BEARERS: &str = "SELECT token_hash, id, clinic, member, role, label, created_at, revoked_at \
     FROM bearer_tokens WHERE clinic = ?1 ORDER BY created_at, id";
pub(super) const REVOKE_BEARER: &str =
    "UPDATE bearer_tokens SET revoked_at = ?3 WHERE id = ?1 AND clinic = ?2 AND revoked_at IS NULL";
pub(super) const REVOKE_BEARERS: &str =
    "UPDATE bearer_tokens SET revoked_at = ?2 WHERE member = ?1 AND revoked_at IS NULL";

pub(super) static INSERT_IDEMPOTENCY: Insert =
    Insert { head: "INSERT INTO idempotency (command_id, body_hash, created_at) VALUES", columns: 3 };
pub(super) const IDEMPOTENCY: &str = "SELECT command_id, body_hash, created_at FROM idempotency";
pub(super) const PURGE_IDEMPOTENCY: &str = "DELETE FROM idempotency WHERE created_at <= ?1";

pub(super) const CURSOR: &str = "SELECT position FROM cursors WHERE name = ?1";
pub(super) static INSERT_CURSOR: Insert = Insert { head: "INSERT INTO cursors (name, position) VALUES", columns: 2 };
pub(super) const MOVE_CURSOR: &str = "UPDATE cursors SET position = ?3 WHERE name = ?1 AND position = ?2";
pub(super) const DROP_CURSOR: &str = "DELETE FROM cursors WHERE name = ?1";

/// The same event again changes nothing.
pub(super) const POST_NOTICE: &str = "INSERT INTO outbox (id, clinic, kind, state, appointment, agenda, date, position, \
     own_act, caused_at, attempts, next_attempt) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?9) \
     ON CONFLICT (id) DO NOTHING";
pub(super) static INSERT_CODE_MESSAGE: Insert = Insert {
    head: "INSERT INTO outbox (id, clinic, kind, state, own_act, caused_at, subject, content, channel, expires_at, \
           attempts, next_attempt) VALUES",
    columns: 12,
};
/// Codes first; then what has waited longest. One row for each appointment.
pub(super) const WAITING: &str = "SELECT id, clinic, kind, appointment FROM outbox \
     WHERE state = 0 AND next_attempt <= ?1 AND (claimed_until IS NULL OR claimed_until <= ?1) \
     GROUP BY coalesce(appointment, id) ORDER BY kind > 1, min(next_attempt) LIMIT ?2";
pub(super) const NEXT_ATTEMPT: &str = "SELECT min(max(next_attempt, coalesce(claimed_until, next_attempt))) \
     FROM outbox WHERE state = 0";
pub(super) const CLAIM_CODE: &str = "UPDATE outbox SET claim = ?2, claimed_until = ?3, attempts = attempts + 1 \
     WHERE id = ?1 AND state = 0 AND (claimed_until IS NULL OR claimed_until <= ?4)";
/// All that waits about one appointment, unless somebody is at it.
pub(super) const CLAIM_APPOINTMENT: &str = "UPDATE outbox SET claim = ?2, claimed_until = ?3, attempts = attempts + 1 \
     WHERE appointment = ?1 AND state = 0 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.appointment = ?1 \
     AND o.state = 0 AND o.claimed_until > ?4)";
pub(super) const CLAIMED: &str = "SELECT id, clinic, kind, appointment, agenda, date, position, own_act, caused_at, \
     subject, content, channel, expires_at, attempts FROM outbox WHERE claim = ?1 AND state = 0 ORDER BY position, id";
pub(super) const RELEASE: &str = "UPDATE outbox SET claim = NULL, claimed_until = NULL, next_attempt = ?2, \
     attempts = attempts - ?3 WHERE claim = ?1 AND state = 0";
pub(super) const FINISH: &str = "UPDATE outbox SET state = ?2, finished_at = ?3, reason = ?4, content = NULL, \
     channel = coalesce(?5, channel), claim = NULL, claimed_until = NULL WHERE claim = ?1 AND state = 0";
pub(super) const DELIVERED: &str = "UPDATE outbox SET state = 1, finished_at = ?3, kind = ?4, channel = ?5, told = ?6, \
     content = NULL, claim = NULL, claimed_until = NULL WHERE claim = ?1 AND id = ?2 AND state = 0";
pub(super) const TOLD: &str = "SELECT told FROM outbox WHERE appointment = ?1 AND state = 1 \
     ORDER BY position DESC LIMIT 1";
pub(super) const UNDELIVERED: &str = "SELECT kind, channel, finished_at, reason FROM outbox \
     WHERE clinic = ?1 AND appointment = ?2 AND state = 2 ORDER BY position";
/// Of each appointment the last of them, unless a later message arrived.
pub(super) const NOT_REACHED: &str = "SELECT appointment, kind, channel, finished_at, reason FROM outbox AS o \
     WHERE clinic = ?1 AND date >= ?2 AND state = 2 AND appointment IS NOT NULL AND NOT EXISTS \
     (SELECT 1 FROM outbox AS later WHERE later.appointment = o.appointment AND later.state IN (1, 2) \
     AND later.position > o.position) ORDER BY date, position LIMIT ?3";
pub(super) const DELIVERIES: &str = "SELECT kind, channel, finished_at FROM outbox \
     WHERE clinic = ?1 AND appointment = ?2 AND state = 1 ORDER BY position";
pub(super) const PURGE_OUTBOX: &str = "DELETE FROM outbox WHERE finished_at <= ?1";

pub(super) const END_CODES: &str = "UPDATE codes SET expires_at = ?2 WHERE visit = ?1 AND expires_at > ?2";
/// Nothing is inserted when the contact had its share within the last hour.
pub(super) const SEND_CODE: &str = "INSERT INTO codes (id, clinic, visit, contact_hash, code_hash, channel, tries, \
     created_at, expires_at) SELECT ?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8 \
     WHERE (SELECT count(*) FROM codes WHERE contact_hash = ?4 AND created_at > ?9) < ?10";
pub(super) const TRY_CODE: &str = "UPDATE codes SET tries = tries + 1 WHERE visit = ?1 AND used_at IS NULL \
     AND expires_at > ?2 AND tries < ?3";
pub(super) const OPEN_CODE: &str = "SELECT id, code_hash, channel FROM codes WHERE visit = ?1 AND used_at IS NULL \
     AND expires_at > ?2 ORDER BY created_at DESC LIMIT 1";
pub(super) const USE_CODE: &str = "UPDATE codes SET used_at = ?2 WHERE id = ?1 AND used_at IS NULL AND expires_at > ?2";
pub(super) const PURGE_CODES: &str = "DELETE FROM codes WHERE created_at <= ?1";

pub(super) const CONTACT_QUOTA: &str = "SELECT quota FROM contact_quotas WHERE contact_hash = ?1 LIMIT 1";
/// One contact has one quota, whoever books with it.
pub(super) const TAKE_CONTACT_QUOTA: &str = "INSERT INTO contact_quotas (contact_hash, subject, clinic, quota, until) \
     SELECT ?1, ?2, ?3, coalesce((SELECT quota FROM contact_quotas WHERE contact_hash = ?1 LIMIT 1), ?4), ?5 WHERE true \
     ON CONFLICT (contact_hash, subject) DO UPDATE SET until = max(until, ?5)";
pub(super) const FORGET_CONTACT_QUOTAS: &str = "DELETE FROM contact_quotas WHERE subject = ?1 AND clinic = ?2";
pub(super) const PURGE_CONTACT_QUOTAS: &str = "DELETE FROM contact_quotas WHERE until <= ?1";

pub(super) static INSERT_SHOWN: Insert =
    Insert { head: "INSERT INTO shown_messages (id, clinic, subject, sealed, sent_at) VALUES", columns: 5 };
pub(super) const KEEP_SHOWN: &str = "DELETE FROM shown_messages WHERE clinic = ?1 AND id NOT IN \
     (SELECT id FROM shown_messages WHERE clinic = ?1 ORDER BY sent_at DESC, id LIMIT ?2)";
pub(super) const SHOWN: &str =
    "SELECT id, subject, sealed, sent_at FROM shown_messages WHERE clinic = ?1 ORDER BY sent_at DESC, id LIMIT ?2";
