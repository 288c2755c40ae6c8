//! Calls about people.

use semel_core::{Refusal, actions::Action, queries};
use semel_protocol::{
    Code, UserId,
    limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX},
    user::{ContactPage, ProfileChange, UserResult},
};

use super::{parts::Parts, route::Ask};
use crate::{
    auth::{Caller, Scope},
    convert::{self, Data, Success, cursor},
};

/// The caller's contacts.
#[utoipa::path(get, path = "/api/contacts", tag = "people",
    responses((status = 200, description = "One page.", body = Success<ContactPage>)))]
pub(super) fn list_contacts(caller: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    let after = parts
        .query("cursor")
        .map(|text| cursor::contact(text, "?cursor"))
        .transpose()?;
    let limit = parts.limit(PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX)?;
    let who = caller.user_id.clone();
    Ok(Box::new(move |rows| {
        let mut page = queries::contacts(rows, &who, after.clone(), limit + 1)?;
        let is_last = page.len() <= limit;
        page.truncate(limit);
        let end = page.last().filter(|_| !is_last);
        let contact = |(id, row, since): &_| convert::contact(id, row, *since);
        Ok(Data::Contacts(ContactPage {
            next_cursor: end.map(|(id, _, _)| cursor::of_contact(id)),
            contacts: page.iter().map(contact).collect(),
        }))
    }))
}

/// The caller. The first call with a valid token makes the person.
#[utoipa::path(get, path = "/api/users/me", tag = "people",
    responses((status = 200, description = "The caller.", body = Success<UserResult>)))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "all routes of the table look alike"
)]
pub(super) fn get_me(caller: &Caller, _: &Parts) -> Result<Ask, Refusal> {
    Ok(person(caller.user_id.clone()))
}

/// Changes the caller's profile. What is left out stays as it is.
#[utoipa::path(patch, path = "/api/users/me", tag = "people",
    request_body = ProfileChange,
    responses((status = 200, description = "The caller as they are now.", body = Success<UserResult>)))]
pub(super) fn change_me(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    Ok(convert::change_profile(
        caller.user_id.clone(),
        parts.json()?,
    ))
}

/// A person.
#[utoipa::path(get, path = "/api/users/{user_id}", tag = "people",
    responses((status = 200, description = "The person.", body = Success<UserResult>)))]
pub(super) fn get_user(_: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    Ok(person(parts.user_id()?))
}

/// Makes a person, or changes their profile. With an operator's token only.
#[utoipa::path(put, path = "/api/users/{user_id}", tag = "people",
    request_body = ProfileChange,
    responses(
        (status = 200, description = "The person as they are now.", body = Success<UserResult>),
        (status = 201, description = "This call made them.", body = Success<UserResult>)))]
pub(super) fn put_user(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    if caller.scope != Scope::Operator {
        return Err(Refusal::new(
            Code::Forbidden,
            "this needs a token with `scope: operator`",
        ));
    }
    Ok(convert::change_profile(parts.user_id()?, parts.json()?))
}

fn person(id: UserId) -> Ask {
    Box::new(move |rows| {
        let row = queries::user(rows, &id)?.ok_or_else(Refusal::not_found)?;
        Ok(Data::User(UserResult {
            user: convert::user(&id, &row),
        }))
    })
}
