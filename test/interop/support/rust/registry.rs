//! All that the crate can ask a registry, of a subject that is not there yet.
use crate::{Job, Outcome};
use schema_registry_converter::blocking::schema_registry::{
    SrSettings, get_all_subjects, get_all_versions, get_referenced_schema, get_schema_by_guid,
    get_schema_by_id, get_schema_by_subject, is_compatible_schema, post_schema,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{RawError, SubjectNameStrategy};
use serde_json::{Value, json};
use std::error::Error;

pub fn ask(job: &Job) -> Outcome<Value> {
    let settings = SrSettings::new(job.url.clone());
    let subject = || job.subject.clone();
    let by_record = SubjectNameStrategy::RecordNameStrategy(subject());

    let unknown = [
        code(get_schema_by_subject(&settings, &by_record)),
        code(get_schema_by_id(999_999, &settings)),
        code(get_all_versions(&settings, subject())),
    ];

    let first = post_schema(&settings, subject(), job.supplied(&job.first))?;
    let again = post_schema(&settings, subject(), job.supplied(&job.first))?;
    let by_id = get_schema_by_id(first.id, &settings)?;
    let guid = first
        .guid
        .clone()
        .ok_or("no GUID in the answer to a registration")?;
    let by_guid = get_schema_by_guid(&guid, &settings)?;

    let goes = is_compatible_schema(&settings, subject(), job.supplied(&job.second))?;
    let goes_not = is_compatible_schema(&settings, subject(), job.supplied(&job.broken))?;
    let refused = [
        code(post_schema(&settings, subject(), job.supplied(&job.broken))),
        code(post_schema(
            &settings,
            subject(),
            job.supplied(&job.invalid),
        )),
    ];
    let second = post_schema(&settings, subject(), job.supplied(&job.second))?;
    let latest = get_schema_by_subject(&settings, &by_record)?;

    let whole = post_schema(
        &settings,
        format!("{}-whole", job.subject),
        job.supplied(&job.referring)
            .with_references(vec![job.reference()]),
    )?;
    let read = get_schema_by_id(whole.id, &settings)?;
    let base = get_referenced_schema(&settings, &read.references[0])?;

    Ok(json!({
        "unknown": unknown,
        "registered": [first.id == again.id, first.id == by_id.id, by_id.guid == first.guid, by_guid.schema == by_id.schema],
        "text": by_id.schema,
        "compatible": [goes, goes_not],
        "refused": refused,
        "evolved": [second.id > first.id, latest.id == second.id, latest.version, get_all_versions(&settings, subject())?],
        "listed": get_all_subjects(&settings)?.contains(&job.subject),
        "references": [read.references[0].name == job.name, read.references[0].subject == job.base_subject(), base.version],
    }))
}

/// What the registry calls the error; 0 if there is none, 1 if it is not the registry's.
fn code<T>(result: Result<T, SRCError>) -> u32 {
    match result {
        Ok(_) => 0,
        Err(error) => error
            .source()
            .and_then(|cause| cause.downcast_ref::<RawError>())
            .map_or(1, |refusal| refusal.error_code),
    }
}
