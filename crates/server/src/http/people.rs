//! Calls about people.

use semel_core::{
    Refusal, Rows,
    actions::{self, Action},
    queries,
    row::UserRow,
};
use semel_protocol::{
    UserId,
    limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX},
    user::{
        Block, BlockPage, Blocked, ContactChange, ContactPage, ContactResult, ProfileChange,
        UserResult,
    },
};

use super::{
    operators,
    parts::{Parts, cut},
    route::{Ask, FoundOr},
};
use crate::{
    auth::Caller,
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
        let end = cut(&mut page, limit);
        Ok(Data::Contacts(ContactPage {
            next_cursor: end.map(|view| cursor::of_contact(&view.user_id)),
            contacts: page.iter().map(convert::contact).collect(),
        }))
    }))
}

/// Gives a contact a name that only the caller sees.
#[utoipa::path(patch, path = "/api/contacts/{user_id}", tag = "people",
    request_body = ContactChange,
    responses((status = 200, description = "The contact as it is now.", body = Success<ContactResult>)))]
pub(super) fn change_contact(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    let ContactChange { own_name } = parts.json()?;
    let user_id = parts.user_id()?;
    Ok(actions::NameContact { user_id, own_name }.into())
}

/// The people whom the caller has blocked.
#[utoipa::path(get, path = "/api/blocks", tag = "people",
    responses((status = 200, description = "One page.", body = Success<BlockPage>)))]
pub(super) fn list_blocks(caller: &Caller, parts: &Parts) -> Result<Ask, Refusal> {
    let after = parts
        .query("cursor")
        .map(|text| cursor::contact(text, "?cursor"))
        .transpose()?;
    let limit = parts.limit(PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX)?;
    let who = caller.user_id.clone();
    Ok(Box::new(move |rows| {
        let mut page = queries::blocks(rows, &who, after.as_ref(), limit + 1)?;
        let end = cut(&mut page, limit);
        let blocked = |(id, row, since): &(UserId, _, _)| Blocked {
            user: convert::user(id, row),
            since: *since,
        };
        Ok(Data::Blocks(BlockPage {
            next_cursor: end.map(|(id, _, _)| cursor::of_contact(id)),
            blocks: page.iter().map(blocked).collect(),
        }))
    }))
}

/// Blocks a person: nothing that they say in the direct thread is taken any more.
#[utoipa::path(put, path = "/api/blocks/{user_id}", tag = "people",
    responses((status = 200, description = "They are blocked.", body = Success<Block>)))]
pub(super) fn block(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    set_block(parts, true)
}

/// Ends a block.
#[utoipa::path(delete, path = "/api/blocks/{user_id}", tag = "people",
    responses((status = 200, description = "They are not blocked.", body = Success<Block>)))]
pub(super) fn unblock(_: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    set_block(parts, false)
}

fn set_block(parts: &Parts, is_blocked: bool) -> Result<Action, Refusal> {
    parts.no_body()?;
    let user_id = parts.user_id()?;
    Ok(actions::SetBlock {
        user_id,
        is_blocked,
    }
    .into())
}

/// The caller. The first call with a valid token makes the person.
#[utoipa::path(get, path = "/api/users/me", tag = "people",
    responses((status = 200, description = "The caller.", body = Success<UserResult>)))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "all routes of the table look alike"
)]
pub(super) fn get_me(caller: &Caller, _: &Parts) -> Result<Ask, Refusal> {
    let id = caller.user_id.clone();
    Ok(Box::new(move |rows| {
        let row = queries::user(rows, &id)?.ok_or_else(Refusal::not_found)?;
        Ok(shown(&id, &row))
    }))
}

/// Changes the caller's profile. What is left out stays as it is.
#[utoipa::path(patch, path = "/api/users/me", tag = "people",
    request_body = ProfileChange,
    responses((status = 200, description = "The caller as they are now.", body = Success<UserResult>)))]
pub(super) fn change_me(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    Ok(convert::change_profile(
        caller.user_id.clone(),
        parts.json()?,
        false,
    ))
}

/// A person. Asking after those with whom the caller shares no thread is counted, whether they are here or not.
#[utoipa::path(get, path = "/api/users/{user_id}", tag = "people",
    responses((status = 200, description = "The person.", body = Success<UserResult>)))]
pub(super) fn get_user(caller: &Caller, parts: &Parts) -> Result<FoundOr, Refusal> {
    let (actor, user_id) = (caller.user_id.clone(), parts.user_id()?);
    let look = actions::LookAtPerson {
        user_id: user_id.clone(),
    };
    let ask = move |rows: &Rows| {
        let row = queries::acquaintance(rows, &actor, &user_id)?;
        Ok(row.map(|row| shown(&user_id, &row)))
    };
    Ok((Box::new(ask), look.into()))
}

/// Makes a person, or changes their profile. With an operator's token only.
#[utoipa::path(put, path = "/api/users/{user_id}", tag = "people",
    request_body = ProfileChange,
    responses(
        (status = 200, description = "The person as they are now.", body = Success<UserResult>),
        (status = 201, description = "This call made them.", body = Success<UserResult>)))]
pub(super) fn put_user(caller: &Caller, parts: &Parts) -> Result<Action, Refusal> {
    operators::check(caller)?;
    let change = convert::change_profile(
        parts.user_id()?,
        parts.json()?,
        parts.app.lets_outside_pictures(),
    );
    operators::deed(caller, change)
}

fn shown(id: &UserId, row: &UserRow) -> Data {
    Data::User(UserResult {
        user: convert::user(id, row),
    })
}
