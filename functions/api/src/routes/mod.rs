//! The endpoints: one file for each, with its declaration beside its handler, and the table of them all.

mod audit;
mod dataset;
mod health;
mod identifier;
mod job;
mod log;
mod parameters;
mod profile;
mod receipt;
mod segment;
mod token;

use crate::{
    endpoint::Docs,
    pipeline::{Endpoint, Handler, OpenHandler},
};

pub(crate) use parameters::path_parameter;

/// Makes the tables of the endpoints and of their documentation, in the same order, of one list of handlers.
macro_rules! endpoints {
    ($($kind:ident $handler:ty),+ $(,)?) => {
        /// Every endpoint. Routing, enforcement and, with [`DOCS`], the OpenAPI document follow from this table.
        pub static ENDPOINTS: [Endpoint; COUNT] = [$(Endpoint::$kind::<$handler>()),+];

        /// The documentation of every endpoint.
        pub(crate) static DOCS: [Docs; COUNT] = [$(<$handler>::DOCS),+];

        const COUNT: usize = [$(stringify!($handler)),+].len();
    };
}

endpoints! {
    of token::get::GetToken,
    of identifier::delete::DeleteIdentifier,
    of identifier::list::ListExternalIds,
    of profile::traits::ListTraits,
    of profile::metadata::GetMetadata,
    of identifier::deletion::GetDeletion,
    of identifier::deletion_counts::ListDeletionCounts,
    of profile::plan::PlanProfile,
    of profile::delete::DeleteProfile,
    of job::bulk_delete::BulkDelete,
    of job::create::CreateJob,
    of job::list::ListJobs,
    of job::get::GetJob,
    of job::rows::AddRows,
    of job::control::ControlJob<0>,
    of job::control::ControlJob<1>,
    of job::control::ControlJob<2>,
    of job::control::ControlJob<3>,
    of job::control::ControlJob<4>,
    of job::control::ControlJob<5>,
    of job::control::ControlJob<6>,
    of job::execute::ExecutePlan,
    of job::outcomes::ListOutcomes,
    of job::events::ListEvents,
    of receipt::identifier::GetReceipt,
    of receipt::job::GetJobReceipt,
    of receipt::job_list::ListJobReceipts,
    of audit::search::SearchEvents,
    of log::checkpoint::GetCheckpoint,
    of log::tile::GetTile,
    of log::key::GetKeys,
    of segment::create::CreateSegment,
    of segment::list::ListSegments,
    of segment::get::GetSegment,
    of segment::rename::RenameSegment,
    of segment::delete::DeleteSegment,
    of segment::members::ListMembers,
    of segment::change_members::ChangeMembers<true>,
    of segment::change_members::ChangeMembers<false>,
    of segment::delete_users::DeleteUsers,
    of segment::switch::SwitchSegment<true>,
    of segment::switch::SwitchSegment<false>,
    of dataset::user::GetUser,
    of dataset::delete_users::DeleteUsers,
    open health::GetHealth,
}
