//! The OpenAPI document: made from the handlers, completed with what all of them have in common.

use super::disclosure;
use super::problem::{self, Problem};
use booking_domain::access::PURPOSES;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "clinic-booking",
        description = "Booking for clinics. Patients book on a portal without an account; staff open schedules and \
            attach the right patient; auditors replay what happened. Times are RFC 3339 with offset, beside the \
            clinic's IANA zone. Commands take an `Idempotency-Key`; resources have an `ETag` for `If-Match`. Errors \
            are RFC 9457 problem details with a stable `code`."
    ),
    modifiers(&Security),
    components(schemas(Problem, problem::FieldProblem)),
    tags(
        (name = "portal", description = "What patients use."),
        (name = "appointment", description = "An appointment in the hands of its patient, by link or reference."),
        (name = "staff", description = "Signing in, members, machine tokens."),
        (name = "clinic", description = "Set-up of a clinic."),
        (name = "schedule", description = "Slots and templates."),
        (name = "appointments", description = "Appointments in the hands of staff."),
        (name = "patients", description = "Patient records and reconciliation."),
        (name = "erasure", description = "Forgetting a person: requests, decisions, legal holds, retention."),
        (name = "audit", description = "What happened."),
        (name = "ledger", description = "Signed checkpoints of the whole history, and proofs. Public: hashes alone."),
        (name = "feed", description = "The log as a resumable stream, without personal data."),
    )
)]
struct Document;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_with(Default::default);
        for (name, meaning) in [
            ("staff", "A session token (`s_…`) or a machine's token (`t_…`)."),
            ("visit", "The token (`v_…`) that opening a visit gave."),
            ("link", "The token (`l_…`) of an appointment's link."),
        ] {
            let mut http = Http::new(HttpAuthScheme::Bearer);
            http.description = Some(meaning.to_owned());
            components.add_security_scheme(name, SecurityScheme::Http(http));
        }
    }
}

/// The document before the handlers are added.
pub(super) fn head() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// The OpenAPI document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = super::routes().split_for_parts().1;
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        operations.into_iter().flatten().for_each(complete);
    }
    document
}

/// Problems have a media type of their own, and every operation may answer with one that it does not list: limits,
/// bodies that are no JSON, a store that does not answer.
fn complete(operation: &mut Operation) {
    if operation.operation_id.as_deref().is_some_and(|id| disclosure::OPERATIONS.contains(&id)) {
        let purpose = ParameterBuilder::new()
            .name("Booking-Purpose")
            .parameter_in(ParameterIn::Header)
            .description(Some("Why the data is looked at; kept in the record of who saw whose data"))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(PURPOSES))))
            .build();
        operation.parameters.get_or_insert_default().push(RefOr::T(purpose));
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && response.content.get("application/json").is_some_and(is_problem)
            && let Some(content) = response.content.shift_remove("application/json")
        {
            response.content.insert(PROBLEM.to_owned(), content);
        }
    }
    let schema = Ref::from_schema_name("Problem");
    let other = ResponseBuilder::new()
        .description("Any other problem: see its code.")
        .content(PROBLEM, Content::new(Some(schema)))
        .build();
    operation.responses.responses.entry("default".to_owned()).or_insert(RefOr::T(other));
}

const PROBLEM: &str = "application/problem+json";

fn is_problem(content: &RefOr<Content>) -> bool {
    let RefOr::T(content) = content else { return false };
    matches!(&content.schema, Some(RefOr::Ref(reference)) if reference.ref_location.ends_with("/Problem"))
}
