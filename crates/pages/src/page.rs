//! What every page has: its title, where it is, what to tell first.

use serde::Serialize;

use crate::navigation::Item;

/// What the layout shows around a page's own content.
#[derive(Debug, Clone, Serialize)]
pub struct Page {
    title: String,
    navigation: Vec<Item>,
    account: Vec<Account>,
    breadcrumbs: Vec<Link>,
    notices: Vec<Notice>,
    faults: Vec<Fault>,
    wide: bool,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    text: String,
    href: String,
}

/// Something in the header's corner: who one is, or a way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Account {
    text: String,
    href: Option<String>,
    /// Where a form is sent to, for what changes something.
    action: Option<String>,
    icon: bool,
}

/// Something to be told above all else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    text: String,
    link: Option<Link>,
    /// Whether something went well, rather than only happened.
    success: bool,
}

/// Something in a form that must be put right before it can be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    text: String,
    /// To the field, for the one who jumps there.
    href: String,
    field: String,
}

impl Page {
    /// A page with this title. It stands in the window's title; the template shows it as its heading.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            navigation: Vec::new(),
            account: Vec::new(),
            breadcrumbs: Vec::new(),
            notices: Vec::new(),
            faults: Vec::new(),
            wide: false,
        }
    }

    /// With this navigation; see [`crate::navigation::of`].
    #[must_use]
    pub fn navigation(mut self, items: Vec<Item>) -> Self {
        self.navigation = items;
        self
    }

    /// With who is signed in, and the place of his account.
    #[must_use]
    pub fn signed_in(mut self, name: impl Into<String>, href: impl Into<String>) -> Self {
        let account = Account { text: name.into(), href: Some(href.into()), action: None, icon: true };
        self.account.push(account);
        self
    }

    /// With a button in the header's corner that sends a form without fields, such as `Sign out`.
    #[must_use]
    pub fn button(mut self, text: impl Into<String>, action: impl Into<String>) -> Self {
        let account = Account { text: text.into(), href: None, action: Some(action.into()), icon: false };
        self.account.push(account);
        self
    }

    /// With the way here: the pages above, from the top.
    #[must_use]
    pub fn below(mut self, pages: impl IntoIterator<Item = Link>) -> Self {
        self.breadcrumbs.extend(pages);
        self
    }

    /// With something to be told above all else.
    #[must_use]
    pub fn notice(mut self, notice: Notice) -> Self {
        self.notices.push(notice);
        self
    }

    /// With what must be put right. The window's title then begins with `Error: `.
    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.faults.extend(faults);
        self
    }

    /// Whether something must be put right.
    pub fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// With all the width that there is, for queues and searches.
    #[must_use]
    pub fn wide(mut self) -> Self {
        self.wide = true;
        self
    }
}

impl Link {
    /// A link to a path.
    pub fn new(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { text: text.into(), href: href.into() }
    }
}

impl Notice {
    /// Something that one should know.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), link: None, success: false }
    }

    /// Something that went well.
    pub fn success(text: impl Into<String>) -> Self {
        Self { success: true, ..Self::new(text) }
    }

    /// With where to go next.
    #[must_use]
    pub fn link(self, link: Link) -> Self {
        Self { link: Some(link), ..self }
    }
}

impl Fault {
    /// What is wrong with the field of this id, and what to do.
    pub fn new(field: &str, text: impl Into<String>) -> Self {
        Self { text: text.into(), href: format!("#{field}"), field: field.to_owned() }
    }
}
