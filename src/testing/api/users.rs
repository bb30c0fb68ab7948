use http::Method;
use serde_json::{Value, json};

use super::{Call, page};
use crate::testing::{random::Random, reply::Reply, state::State};

const MAX_PAGE: usize = 500;

pub(in crate::testing) struct Users {
    all: Vec<User>,
    created: usize,
}

struct User {
    id: String,
    name: String,
    email: String,
    version: u64,
}

impl User {
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "email": self.email,
            "username": self.email,
            "state": "active",
            "version": self.version,
            "selfUri": format!("/api/v2/users/{}", self.id),
        })
    }
}

impl Users {
    pub(super) fn new(random: &mut Random, count: usize) -> Self {
        let one = |index: usize| User {
            id: random.uuid(),
            name: format!("User {}", index + 1),
            email: format!("user{}@example.com", index + 1),
            version: 1,
        };
        Self {
            all: (0..count).map(one).collect(),
            created: 0,
        }
    }

    pub(in crate::testing) fn created(&self) -> usize {
        self.created
    }
}

/// `GET` and `POST /api/v2/users`
pub(super) fn collection(state: &mut State, call: &Call<'_>) -> Reply {
    match *call.method {
        Method::GET => list(state, call).unwrap_or_else(|refusal| refusal),
        Method::POST => create(state, call).unwrap_or_else(|refusal| refusal),
        _ => Reply::method_not_allowed("GET, POST"),
    }
}

fn list(state: &State, call: &Call<'_>) -> Result<Reply, Reply> {
    let users = &state.api.users.all;
    let size = call.number("pageSize", 25, MAX_PAGE)?;
    let number = call.number("pageNumber", 1, usize::MAX)?;
    let pages = users.len().div_ceil(size);
    let uri = |number: usize| format!("/api/v2/users?pageSize={size}&pageNumber={number}");
    let entities: Vec<_> = page(users, size, number).iter().map(User::json).collect();
    let mut answer = json!({
        "entities": entities,
        "pageSize": size,
        "pageNumber": number,
        "total": users.len(),
    });
    if number < pages {
        answer["nextUri"] = uri(number + 1).into();
    }
    if (2..=pages).contains(&number) {
        answer["previousUri"] = uri(number - 1).into();
    }
    answer["firstUri"] = uri(1).into();
    answer["lastUri"] = uri(pages.max(1)).into();
    answer["selfUri"] = uri(number).into();
    answer["pageCount"] = pages.into();
    Ok(Reply::ok(&answer))
}

fn create(state: &mut State, call: &Call<'_>) -> Result<Reply, Reply> {
    let body = call.json()?;
    let text = |name: &str| match body[name].as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Reply::bad_request(&format!("{name} is required."))),
    };
    let user = User {
        name: text("name")?,
        email: text("email")?,
        id: state.random.uuid(),
        version: 1,
    };
    let answer = user.json();
    state.api.users.all.push(user);
    state.api.users.created += 1;
    Ok(Reply::ok(&answer))
}

/// `GET`, `PATCH` and `DELETE /api/v2/users/{id}`
pub(super) fn one(state: &mut State, call: &Call<'_>, id: &str) -> Reply {
    let users = &mut state.api.users.all;
    let Some(index) = users.iter().position(|user| user.id == id) else {
        return Reply::not_found(&format!("There is no user {id}."));
    };
    match *call.method {
        Method::GET => Reply::ok(&users[index].json()),
        Method::PATCH => match call.json() {
            Ok(body) => change(&mut users[index], &body),
            Err(refusal) => refusal,
        },
        Method::DELETE => {
            users.remove(index);
            Reply::ok(&json!({}))
        }
        _ => Reply::method_not_allowed("GET, PATCH, DELETE"),
    }
}

fn change(user: &mut User, body: &Value) -> Reply {
    if let Some(name) = body["name"].as_str() {
        name.clone_into(&mut user.name);
    }
    if let Some(email) = body["email"].as_str() {
        email.clone_into(&mut user.email);
    }
    user.version += 1;
    Reply::ok(&user.json())
}
