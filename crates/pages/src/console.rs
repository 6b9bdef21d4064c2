//! Pages out of templates.

use std::collections::BTreeMap;

use axum::Router;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use serde::Serialize;
use thiserror::Error;

use crate::asset::Asset;
use crate::brand::Brand;
use crate::page::Page;
use crate::{engine, router};

/// Everything that pages are made with. Made once, shared by all requests.
#[derive(Debug)]
pub struct Console {
    environment: Environment<'static>,
    brand: Brand,
}

/// Why a page could not be made. It is a fault of ours, never of whoever asked.
#[derive(Debug, Error)]
pub enum PagesError {
    /// A template cannot be understood.
    #[error("could not read the templates")]
    Templates(#[source] minijinja::Error),
    /// A template does not fit what it was given.
    #[error("could not fill the template {template}")]
    Filling {
        /// Its name.
        template: String,
        /// Why.
        source: minijinja::Error,
    },
}

impl Console {
    /// A console under this name and mark.
    ///
    /// # Errors
    /// A template cannot be understood.
    pub fn new(brand: Brand) -> Result<Self, PagesError> {
        let mut environment = engine::environment().map_err(PagesError::Templates)?;
        let mut urls: BTreeMap<String, String> =
            Asset::all().iter().map(|asset| (asset.name().to_owned(), asset.url())).collect();
        let logo = brand.logo().or_else(|| Asset::named(MARK)).map(Asset::url);
        urls.extend(logo.map(|url| (LOGO.to_owned(), url)));
        environment.add_function("asset", move |name: &str| {
            urls.get(name).cloned().ok_or_else(|| {
                let kind = minijinja::ErrorKind::InvalidOperation;
                minijinja::Error::new(kind, format!("there is no asset named {name}"))
            })
        });
        environment.add_global("brand", context! { name => brand.name() });
        Ok(Self { environment, brand })
    }

    /// Fills the template of this name, such as `alerts/queue.jinja`, with `page` and with what it shows: each field
    /// of `shown` is known to the template by its name.
    ///
    /// # Errors
    /// There is no such template, or it does not fit what it is given.
    pub fn render(&self, template: &str, page: &Page, shown: &impl Serialize) -> Result<String, PagesError> {
        let failed = |source| PagesError::Filling { template: template.to_owned(), source };
        let page = context! { page => Serde(page) };
        let context = context! { ..page, ..Value::from(Serde(shown)) };
        let template = self.environment.get_template(template).map_err(failed)?;
        template.render(context).map_err(failed)
    }

    /// What it is called.
    pub fn brand(&self) -> &str {
        self.brand.name()
    }

    /// Adds a template that is not below `templates/`, such as one that lies beside the code that fills it.
    ///
    /// # Errors
    /// It cannot be understood.
    pub fn add_template(&mut self, name: &'static str, source: &'static str) -> Result<(), PagesError> {
        self.environment.add_template(name, source).map_err(PagesError::Templates)
    }

    /// Serves what pages need below `/assets/`: to everybody, since the page to sign in needs it too.
    pub fn assets(&self) -> Router {
        router::assets(self.brand.logo().cloned().into_iter().collect())
    }
}

/// The asset that is shown where no logo is set.
const MARK: &str = "ward-mark.svg";

/// What templates call whichever it is.
const LOGO: &str = "logo";
