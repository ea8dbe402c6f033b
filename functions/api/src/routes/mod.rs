//! The endpoints: one file for each, with its declaration beside its handler, and the table of them all.

mod health;
mod identifier;
mod job;
mod parameters;
mod profile;

use crate::pipeline::Endpoint;

pub(crate) use parameters::path_parameter;

/// Every endpoint. Routing, enforcement and the OpenAPI document follow from this table.
pub static ENDPOINTS: [Endpoint; 18] = [
    Endpoint::of::<identifier::delete::DeleteIdentifier>(),
    Endpoint::of::<identifier::list::ListExternalIds>(),
    Endpoint::of::<profile::traits::ListTraits>(),
    Endpoint::of::<profile::metadata::GetMetadata>(),
    Endpoint::of::<identifier::deletion::GetDeletion>(),
    Endpoint::of::<profile::delete::DeleteProfile>(),
    Endpoint::of::<job::bulk_delete::BulkDelete>(),
    Endpoint::of::<job::create::CreateJob>(),
    Endpoint::of::<job::list::ListJobs>(),
    Endpoint::of::<job::get::GetJob>(),
    Endpoint::of::<job::rows::AddRows>(),
    Endpoint::of::<job::control::ControlJob<0>>(),
    Endpoint::of::<job::control::ControlJob<1>>(),
    Endpoint::of::<job::control::ControlJob<2>>(),
    Endpoint::of::<job::control::ControlJob<3>>(),
    Endpoint::of::<job::control::ControlJob<4>>(),
    Endpoint::of::<job::outcomes::ListOutcomes>(),
    Endpoint::open::<health::GetHealth>(),
];
