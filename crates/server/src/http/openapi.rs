//! The `OpenAPI` document: from the functions of the table, and what the wrapper adds to each of them.

use semel_protocol::Problem;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, KnownFormat, ObjectBuilder, OpenApi as Document, Ref, RefOr, Required,
        ResponseBuilder, SchemaFormat, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        schema::Schema,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{
    ROUTES, health, invites, messages, operators, people, pictures, privacy, profile, reports,
    route::{Method, Route},
    sign_in::{codes, erase, manage, provider, sessions},
    threads,
};

/// The document.
pub fn document() -> Document {
    Api::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Semel", description = "A chat server in which nothing happens twice.\n\n\
        Every POST, PUT, PATCH and DELETE takes an `Idempotency-Key`: repeat a request with its key as often \
        as you like, it happens once, and you get the same answer, marked `Idempotent-Replayed: true`."),
    paths(
        threads::check_existing_thread,
        threads::create_or_get,
        threads::create_or_get_chats,
        threads::start_conversation,
        threads::list_threads,
        threads::get_thread,
        threads::change_thread,
        threads::expand,
        threads::leave,
        threads::mark_read,
        threads::list_participants,
        threads::remove_participant,
        threads::change_role,
        threads::change_preferences,
        messages::list_entries,
        messages::list_messages,
        messages::send_message,
        messages::edit_message,
        messages::delete_message,
        messages::add_reaction,
        messages::remove_reaction,
        people::list_contacts,
        people::change_contact,
        people::list_blocks,
        people::block,
        people::unblock,
        people::get_me,
        people::change_me,
        people::get_user,
        people::put_user,
        pictures::upload,
        pictures::get_picture,
        profile::change_handle,
        profile::get_findability,
        profile::change_findability,
        profile::find,
        invites::list_invites,
        invites::create_invite,
        invites::revoke_invite,
        invites::look_at_invite,
        invites::join_by_invite,
        codes::methods,
        codes::start,
        codes::verify,
        codes::link,
        sessions::refresh,
        sessions::sign_out,
        sessions::claim_operator,
        sessions::jwks,
        provider::start,
        provider::callback,
        manage::list_sessions,
        manage::revoke_session,
        manage::revoke_others,
        manage::list_identities,
        manage::unlink,
        operators::suspend,
        operators::lift,
        operators::remove_message,
        operators::list_audit,
        operators::expel_participant,
        operators::grant,
        operators::withdraw,
        operators::list_operators,
        operators::list_reports,
        operators::resolve_report,
        privacy::export_me,
        erase::erase,
        privacy::erase_person,
        reports::report_message,
        reports::report_person,
        health::health,
        health::live,
        health::ready,
    ),
    components(schemas(Problem)),
    security(("token" = [])),
    modifiers(&Wrapper)
)]
struct Api;

/// What the wrapper around the table's routes does is said once, here.
struct Wrapper;

impl Modify for Wrapper {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        for route in ROUTES {
            let item = document.paths.paths.get_mut(route.path);
            if let Some(operation) = item.and_then(|item| operation(item, route.method)) {
                complete(route, operation);
            }
        }
    }
}

/// One operation of a path.
pub(super) fn operation(item: &mut PathItem, method: Method) -> Option<&mut Operation> {
    match method {
        Method::Get => item.get.as_mut(),
        Method::Post => item.post.as_mut(),
        Method::Put => item.put.as_mut(),
        Method::Patch => item.patch.as_mut(),
        Method::Delete => item.delete.as_mut(),
    }
}

fn complete(route: &Route, operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    let names = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for name in names {
        let schema = path_schema(name);
        parameters.push(parameter(
            ParameterIn::Path,
            name,
            "",
            Required::True,
            schema,
        ));
    }
    for name in route.query {
        let (text, schema) = query_schema(name);
        parameters.push(parameter(
            ParameterIn::Query,
            name,
            text,
            Required::False,
            schema,
        ));
    }
    if route.takes_key() {
        let text = "1 to 255 visible ASCII characters, bare or quoted. A repeat with the same key gets the same answer.";
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(257))
            .build();
        let place = ParameterIn::Header;
        parameters.push(parameter(
            place,
            "Idempotency-Key",
            text,
            Required::False,
            schema.into(),
        ));
    }
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new()
        .description("A problem; `code` says which.")
        .content("application/problem+json", problem)
        .build();
    operation
        .responses
        .responses
        .insert("default".to_owned(), RefOr::T(response));
}

fn parameter(
    place: ParameterIn,
    name: &str,
    text: &str,
    required: Required,
    schema: Schema,
) -> RefOr<Parameter> {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .description((!text.is_empty()).then_some(text))
        .required(required)
        .schema(Some(schema))
        .build();
    RefOr::T(parameter)
}

fn path_schema(name: &str) -> Schema {
    let text = ObjectBuilder::new().schema_type(Type::String);
    match name {
        "thread_id" | "message_id" | "session_id" | "report_id" | "invite_id" | "picture_id" => {
            text.format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
        }
        _ => text.min_length(Some(1)).max_length(Some(64)),
    }
    .build()
    .into()
}

fn query_schema(name: &str) -> (&'static str, Schema) {
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .build()
        .into();
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .build()
        .into();
    match name {
        "limit" => ("Rows of the page.", number),
        "after_rev" => ("Entries after this one.", number),
        "until_rev" => ("No entries after this one.", number),
        "chain" => ("The chain of the entry `after_rev`, as it was told.", text),
        "epoch" => ("The thread's epoch, as it was told.", number),
        "before_seq" => ("Messages before this one.", number),
        "after_seq" => ("Messages after this one.", number),
        "around_seq" => ("Messages on both sides of this one.", number),
        "around_id" => ("The same of a message that is known by its id.", text),
        "cursor" => ("`next_cursor` of the page before.", text),
        "on_conflict" => {
            let words = ["refuse", "keep_separate"];
            let schema = ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some(words));
            (
                "When another thread has the remaining people.",
                schema.build().into(),
            )
        }
        "code" => ("From the provider, for this server.", text),
        "state" => ("Names the sign-in.", text),
        "iss" => ("Who sends the browser back.", text),
        "error" | "error_description" | "error_uri" | "session_state" | "scope" | "authuser"
        | "prompt" | "hd" => ("Added by providers.", text),
        _ => ("", text),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use semel_protocol::Code;

    use super::*;

    /// Method, path, parameters of everything that the document has.
    fn documented() -> BTreeSet<(String, String)> {
        let document = serde_json::to_value(document()).unwrap();
        let mut calls = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                calls.insert((method.clone(), path.clone()));
            }
        }
        calls
    }

    #[test]
    fn the_document_and_the_table_name_the_same_calls() {
        let mut table: BTreeSet<_> = ROUTES
            .iter()
            .map(|route| (route.method.name().to_owned(), route.path.to_owned()))
            .collect();
        for path in ["/health", "/health/live", "/health/ready"] {
            table.insert(("get".to_owned(), path.to_owned()));
        }
        assert_eq!(documented(), table);
    }

    #[test]
    fn ec_f16_every_call_that_is_no_get_takes_an_idempotency_key() {
        let document = serde_json::to_value(document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let is_stored = |method: &str, path: &str| {
            let same = |route: &&Route| route.method.name() == method && route.path == path;
            let route = ROUTES.iter().find(same).unwrap();
            route.takes_key()
        };
        for (method, path) in documented().iter().filter(|(method, _)| method != "get") {
            let parameters = document["paths"][path][method]["parameters"]
                .as_array()
                .unwrap();
            let has_key = parameters
                .iter()
                .any(|parameter| parameter["name"] == "Idempotency-Key");
            // What gives out tokens is not stored.
            assert_eq!(has_key, is_stored(method, path), "{method} {path}");
            assert!(has_key || path.starts_with("/api/auth/"), "{method} {path}");
        }
    }

    #[test]
    fn every_type_that_is_named_is_there() {
        let document = serde_json::to_value(document()).unwrap();
        let text = document.to_string();
        let names = text.split("\"#/components/schemas/").skip(1);
        let names = names
            .map(|rest| rest.split('"').next().unwrap())
            .collect::<BTreeSet<_>>();
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            assert!(
                document["components"]["schemas"][name].is_object(),
                "{name}"
            );
        }
    }

    #[test]
    fn codes_have_the_names_that_they_have_on_the_wire() {
        let document = serde_json::to_value(document()).unwrap();
        let names = Code::ALL.iter().map(|code| code.as_str());
        let names: Vec<_> = names.collect();
        assert_eq!(
            document["components"]["schemas"]["Code"]["enum"],
            serde_json::json!(names)
        );
    }

    #[test]
    fn every_call_has_a_name_of_its_own() {
        let document = serde_json::to_value(document()).unwrap();
        let mut names = BTreeSet::new();
        for (method, path) in documented() {
            let name = document["paths"][&path][&method]["operationId"].to_string();
            assert!(
                names.insert(name.clone()),
                "{name} of {method} {path} is taken"
            );
        }
    }

    #[test]
    fn every_parameter_of_a_query_is_explained() {
        for name in ROUTES.iter().flat_map(|route| route.query) {
            assert_ne!(query_schema(name).0, "", "{name}");
        }
    }
}
