package main

import (
	"errors"

	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/rest"
)

func confluentOf(one job) (schemaregistry.Client, error) {
	return schemaregistry.NewClient(schemaregistry.NewConfig(one.URL))
}

// code is what the client says of an error; 0 if there is none, -1 if it is not the registry's.
func code(err error) int {
	if err == nil {
		return 0
	}
	var refusal *rest.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return -1
}

// confluentClient asks all that the client can ask, of a subject that is not there yet.
func confluentClient(one job) (outcome, error) {
	registry, err := confluentOf(one)
	if err != nil {
		return nil, err
	}
	// What the first one has in its cache, the second one has to ask for.
	cold, err := confluentOf(one)
	if err != nil {
		return nil, err
	}
	subject := one.Subject
	schema := func(text string) schemaregistry.SchemaInfo {
		return schemaregistry.SchemaInfo{Schema: text, SchemaType: one.Type}
	}
	first, second, broken := schema(one.First), schema(one.Second), schema(one.Broken)
	seen := outcome{}

	_, noLatest := registry.GetLatestSchemaMetadata(subject)
	_, noVersions := registry.GetAllVersions(subject)
	_, noLookup := registry.GetID(subject, first, false)
	_, noID := registry.GetBySubjectAndID("", 999_999)
	seen["unknown"] = []int{code(noLatest), code(noVersions), code(noLookup), code(noID)}

	id, err := registry.Register(subject, first, false)
	if err != nil {
		return nil, err
	}
	full, err := cold.RegisterFullResponse(subject, first, true)
	if err != nil {
		return nil, err
	}
	found, err := cold.GetIDFullResponse(subject, first, false)
	if err != nil {
		return nil, err
	}
	version, err := cold.GetVersion(subject, first, false)
	if err != nil {
		return nil, err
	}
	_, notUnderIt := cold.GetID(subject, second, false)
	seen["registered"] = []any{full.ID == id, found.ID == id, version, code(notUnderIt)}

	byID, err := cold.GetBySubjectAndID(subject, id)
	if err != nil {
		return nil, err
	}
	seen["text"] = byID.Schema

	goes, err := registry.TestSubjectCompatibility(subject, second)
	if err != nil {
		return nil, err
	}
	goesNot, err := registry.TestCompatibility(subject, 1, broken)
	if err != nil {
		return nil, err
	}
	_, noVersion := registry.TestCompatibility(subject, 7, broken)
	seen["compatible"] = []any{goes, goesNot, code(noVersion)}

	_, incompatible := registry.Register(subject, broken, false)
	_, invalid := registry.Register(subject, schema(one.Invalid), false)
	seen["refused"] = []int{code(incompatible), code(invalid)}

	newer, err := registry.Register(subject, second, false)
	if err != nil {
		return nil, err
	}
	latest, err := cold.GetLatestSchemaMetadata(subject)
	if err != nil {
		return nil, err
	}
	older, err := cold.GetSchemaMetadata(subject, 1)
	if err != nil {
		return nil, err
	}
	versions, err := cold.GetAllVersions(subject)
	if err != nil {
		return nil, err
	}
	seen["evolved"] = []any{newer > id, latest.Version, latest.ID == newer, older.ID == id, versions}

	byGUID, err := cold.GetByGUID(latest.GUID)
	if err != nil {
		return nil, err
	}
	users, err := cold.GetSubjectsAndVersionsByID(id)
	if err != nil {
		return nil, err
	}
	subjects, err := cold.GetAllSubjects()
	if err != nil {
		return nil, err
	}
	contexts, err := cold.GetAllContexts()
	if err != nil {
		return nil, err
	}
	seen["listed"] = []any{byGUID.Schema == latest.Schema, users, has(subjects, subject), has(contexts, ".")}

	if err := configure(registry, subject, seen); err != nil {
		return nil, err
	}
	if _, err := registry.Register(subject, broken, false); err != nil {
		return nil, err
	}

	owned := second
	owned.Metadata = &schemaregistry.Metadata{Properties: map[string]string{"owner": "lab"}}
	if _, err := registry.Register(subject, owned, false); err != nil {
		return nil, err
	}
	withMetadata, err := cold.GetLatestWithMetadata(subject, map[string]string{"owner": "lab"}, false)
	if err != nil {
		return nil, err
	}
	seen["metadata"] = []any{withMetadata.Version, withMetadata.Metadata.Properties}

	deleted, err := registry.DeleteSubjectVersion(subject, 1, false)
	if err != nil {
		return nil, err
	}
	soft, err := registry.DeleteSubject(subject, false)
	if err != nil {
		return nil, err
	}
	_, again := cold.DeleteSubject(subject, false)
	_, gone := cold.GetAllVersions(subject)
	kept, err := cold.GetSchemaMetadataIncludeDeleted(subject, 2, true)
	if err != nil {
		return nil, err
	}
	hard, err := registry.DeleteSubject(subject, true)
	if err != nil {
		return nil, err
	}
	seen["deleted"] = []any{deleted, soft, code(again), code(gone), kept.ID == newer, hard}
	return seen, nil
}

func configure(registry schemaregistry.Client, subject string, seen outcome) error {
	global, err := registry.GetDefaultCompatibility()
	if err != nil {
		return err
	}
	_, unset := registry.GetCompatibility(subject)
	inherited, err := registry.GetConfig(subject, true)
	if err != nil {
		return err
	}
	full, err := registry.UpdateConfig(subject, schemaregistry.ServerConfig{CompatibilityUpdate: schemaregistry.FullTransitive, Normalize: true})
	if err != nil {
		return err
	}
	set, err := registry.GetConfig(subject, false)
	if err != nil {
		return err
	}
	none, err := registry.UpdateCompatibility(subject, schemaregistry.None)
	if err != nil {
		return err
	}
	seen["config"] = []any{global.String(), code(unset), inherited.CompatibilityLevel.String(), full.CompatibilityUpdate.String(),
		set.CompatibilityLevel.String(), set.Normalize, none.String()}
	return nil
}

func has[T comparable](all []T, one T) bool {
	for _, candidate := range all {
		if candidate == one {
			return true
		}
	}
	return false
}
