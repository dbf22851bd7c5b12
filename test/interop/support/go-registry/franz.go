package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

var srTypes = map[string]sr.SchemaType{"AVRO": sr.TypeAvro, "JSON": sr.TypeJSON, "PROTOBUF": sr.TypeProtobuf}

// srCode is what the client says of an error; 0 if there is none, -1 if it is not the registry's.
func srCode(err error) int {
	if err == nil {
		return 0
	}
	var refusal *sr.ResponseError
	if errors.As(err, &refusal) {
		return refusal.ErrorCode
	}
	return -1
}

// franzClient asks all that the client can ask, of a subject that is not there yet.
func franzClient(one job) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	registry, err := sr.NewClient(sr.URLs(one.URL))
	if err != nil {
		return nil, err
	}
	subject := one.Subject
	schema := func(text string) sr.Schema { return sr.Schema{Schema: text, Type: srTypes[one.Type]} }
	seen := outcome{}

	_, noLatest := registry.SchemaByVersion(ctx, subject, -1)
	_, noVersions := registry.SubjectVersions(ctx, subject)
	_, noLookup := registry.LookupSchema(ctx, subject, schema(one.First))
	_, noID := registry.SchemaByID(ctx, 999_999)
	seen["unknown"] = []int{srCode(noLatest), srCode(noVersions), srCode(noLookup), srCode(noID)}

	first, err := registry.CreateSchema(ctx, subject, schema(one.First))
	if err != nil {
		return nil, err
	}
	same, err := registry.RegisterSchema(ctx, subject, schema(one.First), -1, -1)
	if err != nil {
		return nil, err
	}
	_, notUnderIt := registry.LookupSchema(ctx, subject, schema(one.Second))
	seen["registered"] = []any{first.Version, same == first.ID, srCode(notUnderIt)}

	goes, err := registry.CheckCompatibility(ctx, subject, -1, schema(one.Second))
	if err != nil {
		return nil, err
	}
	goesNot, err := registry.CheckCompatibility(sr.WithParams(ctx, sr.Verbose), subject, 1, schema(one.Broken))
	if err != nil {
		return nil, err
	}
	seen["compatible"] = []any{goes.Is, goesNot.Is, len(goesNot.Messages) > 0}

	_, incompatible := registry.CreateSchema(ctx, subject, schema(one.Broken))
	_, invalid := registry.CreateSchema(ctx, subject, schema(one.Invalid))
	seen["refused"] = []int{srCode(incompatible), srCode(invalid)}

	second, err := registry.CreateSchema(ctx, subject, schema(one.Second))
	if err != nil {
		return nil, err
	}
	versions, err := registry.SubjectVersions(ctx, subject)
	if err != nil {
		return nil, err
	}
	seen["evolved"] = []any{second.Version, second.ID > first.ID, versions}

	if err := franzReads(ctx, registry, subject, first, second, seen); err != nil {
		return nil, err
	}

	global := registry.Compatibility(ctx)[0]
	unset := registry.Compatibility(ctx, subject)[0]
	set := registry.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatNone}, subject)[0]
	_, forced := registry.CreateSchema(ctx, subject, schema(one.Broken))
	reset := registry.ResetCompatibility(ctx, subject)[0]
	seen["config"] = []any{global.Level.String(), srCode(unset.Err), set.Level.String(), srCode(forced), reset.Level.String()}

	mode := registry.Mode(ctx)[0]
	readOnly := registry.SetMode(ctx, sr.ModeReadOnly, subject)[0]
	_, notNow := registry.CreateSchema(ctx, subject, schema(one.Base))
	before := registry.ResetMode(ctx, subject)[0]
	seen["mode"] = []any{mode.Mode.String(), readOnly.Mode.String(), srCode(notNow), before.Mode.String()}

	imported := subject + "-imported"
	if result := registry.SetMode(ctx, sr.ModeImport, imported)[0]; result.Err != nil {
		return nil, result.Err
	}
	fixed, err := registry.CreateSchemaWithIDAndVersion(ctx, imported, schema(one.First), first.ID, 5)
	if err != nil {
		return nil, err
	}
	seen["imported"] = []any{fixed.ID == first.ID, fixed.Version}

	if err := franzReferences(ctx, registry, one, seen); err != nil {
		return nil, err
	}

	soft, err := registry.DeleteSubject(ctx, subject, sr.SoftDelete)
	if err != nil {
		return nil, err
	}
	_, again := registry.DeleteSubject(ctx, subject, sr.SoftDelete)
	hard, err := registry.DeleteSubject(ctx, subject, sr.HardDelete)
	if err != nil {
		return nil, err
	}
	seen["deleted"] = []any{soft, srCode(again), hard}

	// Ids of their own, in a context that is named with each request.
	team := sr.InContext(ctx, ".team-"+subject)
	apart, err := registry.CreateSchema(team, subject, schema(one.Broken))
	if err != nil {
		return nil, err
	}
	contexts, err := registry.Contexts(ctx)
	if err != nil {
		return nil, err
	}
	seen["context"] = []any{apart.ID, apart.Version, has(contexts, ".team-"+subject)}
	return seen, nil
}

func franzReads(ctx context.Context, registry *sr.Client, subject string, first, second sr.SubjectSchema, seen outcome) error {
	byID, err := registry.SchemaByID(ctx, first.ID)
	if err != nil {
		return err
	}
	text, err := registry.SchemaTextByID(ctx, first.ID)
	if err != nil {
		return err
	}
	byGUID, err := registry.SchemaByGUID(ctx, second.GUID)
	if err != nil {
		return err
	}
	ids, err := registry.SchemaIDsByGUID(ctx, second.GUID)
	if err != nil {
		return err
	}
	subjects, err := registry.SubjectsByID(ctx, first.ID)
	if err != nil {
		return err
	}
	users, err := registry.SchemaVersionsByID(ctx, second.ID)
	if err != nil {
		return err
	}
	raw, err := registry.SchemaTextByVersion(ctx, subject, 1)
	if err != nil {
		return err
	}
	all, err := registry.Schemas(ctx, subject)
	if err != nil {
		return err
	}
	types, err := registry.SupportedTypes(ctx)
	if err != nil {
		return err
	}
	seen["read"] = []any{byID.Schema == text, byID.Schema == first.Schema.Schema, byGUID.Schema.Schema == second.Schema.Schema,
		len(ids) == 1 && ids[0].ID == second.ID, subjects, len(users) == 1 && users[0].Version == 2, raw == text, len(all), len(types)}
	return nil
}

func franzReferences(ctx context.Context, registry *sr.Client, one job, seen outcome) error {
	base := one.Subject + "/part 1:a"
	part, err := registry.CreateSchema(ctx, base, sr.Schema{Schema: one.Base, Type: srTypes[one.Type]})
	if err != nil {
		return err
	}
	_, missing := registry.CreateSchema(ctx, one.Subject+"-whole", sr.Schema{Schema: one.Referring, Type: srTypes[one.Type]})
	whole, err := registry.CreateSchema(ctx, one.Subject+"-whole", sr.Schema{Schema: one.Referring, Type: srTypes[one.Type],
		References: []sr.SchemaReference{{Name: one.Name, Subject: base, Version: part.Version}}})
	if err != nil {
		return err
	}
	users, err := registry.SchemaReferences(ctx, base, part.Version)
	if err != nil {
		return err
	}
	_, kept := registry.DeleteSubject(ctx, base, sr.SoftDelete)
	seen["references"] = []any{srCode(missing), len(users) == 1 && users[0].ID == whole.ID, whole.References[0].Subject == base, srCode(kept)}
	return nil
}
