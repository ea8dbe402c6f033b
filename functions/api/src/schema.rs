//! How the OpenAPI document describes bodies: by the types that they are read into and written from.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Ref, RefOr, Schema},
};

/// A body in one media type.
#[derive(Debug, Clone, Copy)]
pub struct Content {
    /// The media type.
    pub media_type: &'static str,
    /// The body's schema.
    pub schema: SchemaOf,
    /// Of a request: whether the body may be absent.
    pub is_optional: bool,
}

impl Content {
    /// JSON that is written from or read into this type.
    pub(crate) const fn json<T: ToSchema>() -> Self {
        Self { media_type: "application/json", schema: SchemaOf::component::<T>(), is_optional: false }
    }

    /// JSON that is read into this type, or is absent.
    pub(crate) const fn optional_json<T: ToSchema>() -> Self {
        Self { is_optional: true, ..Self::json::<T>() }
    }

    /// Text in a format of lines.
    pub(crate) const fn text(media_type: &'static str) -> Self {
        Self { media_type, schema: SchemaOf::inline::<String>(), is_optional: false }
    }
}

/// Schemas that other schemas refer to, by name.
pub(crate) type Components = Vec<(String, RefOr<Schema>)>;

/// How the OpenAPI document describes a type.
#[derive(Debug, Clone, Copy)]
pub struct SchemaOf {
    name: Option<fn() -> Cow<'static, str>>,
    schema: fn() -> RefOr<Schema>,
    collect: fn(&mut Components),
}

impl SchemaOf {
    /// A component of the document, by the type's name.
    pub(crate) const fn component<T: ToSchema>() -> Self {
        Self { name: Some(T::name), schema: T::schema, collect: T::schemas }
    }

    /// A schema that stands where it is used.
    pub(crate) const fn inline<T: ToSchema>() -> Self {
        Self { name: None, schema: <T as PartialSchema>::schema, collect: T::schemas }
    }

    /// The schema, or the reference to it. Adds the components that it needs.
    pub(crate) fn resolve(self, components: &mut Components) -> RefOr<Schema> {
        (self.collect)(components);
        let Some(name) = self.name else { return (self.schema)() };
        components.push((name().into_owned(), (self.schema)()));
        Ref::from_schema_name(name()).into()
    }
}
