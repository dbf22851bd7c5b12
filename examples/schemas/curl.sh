#!/bin/sh
# A topic with a schema, by curl alone: sh curl.sh [URL]
set -eu
url=${1:-http://localhost:8082}

# What the server answers, after a line that says what was asked.
ask () {
  printf '\n# %s\n' "$1"
  shift
  curl -sS -w '\n' "$@"
}

json='content-type: application/json'
parcel='{"schema":"{\"type\":\"record\",\"name\":\"Parcel\",\"fields\":[{\"name\":\"to\",\"type\":\"string\"},{\"name\":\"grams\",\"type\":\"long\"}]}"}'
with_note='{"schema":"{\"type\":\"record\",\"name\":\"Parcel\",\"fields\":[{\"name\":\"to\",\"type\":\"string\"},{\"name\":\"grams\",\"type\":\"long\"},{\"name\":\"note\",\"type\":\"string\"}]}"}'
with_default='{"schema":"{\"type\":\"record\",\"name\":\"Parcel\",\"fields\":[{\"name\":\"to\",\"type\":\"string\"},{\"name\":\"grams\",\"type\":\"long\"},{\"name\":\"note\",\"type\":\"string\",\"default\":\"\"}]}"}'

ask 'Register a schema for the values of the topic parcels' "$url/subjects/parcels-value/versions" -H "$json" -d "$parcel"

ask 'Produce: JSON goes in, Avro is stored' "$url/topics/parcels" -d '{"to":"Ada","grams":9007199254740993}'
ask 'Several at once, a line each' "$url/topics/parcels" -H 'content-type: application/x-ndjson' --data-binary '{"to":"Grace","grams":250}
{"to":"Alan","grams":1200}
'
ask 'Read: JSON comes out' "$url/topics/parcels/records"

ask 'What JSON cannot become is refused' "$url/topics/parcels" -d '{"to":"Ada","grams":"heavy"}'
ask 'Have all records looked into, whichever client brings them' -X PUT "$url/topics/parcels/validation" -H "$json" -d '{"value":"payload"}'
ask 'Bytes that are no parcel are refused too' "$url/topics/parcels" -H 'content-type: application/octet-stream' -d 'no parcel'

ask 'May the schema get a field? Not without a default: older parcels have none' \
  "$url/compatibility/subjects/parcels-value/versions/latest?verbose=true" -H "$json" -d "$with_note"
ask 'nor can it be registered' "$url/subjects/parcels-value/versions" -H "$json" -d "$with_note"
ask 'With a default it may' "$url/compatibility/subjects/parcels-value/versions/latest" -H "$json" -d "$with_default"
ask 'Evolve' "$url/subjects/parcels-value/versions" -H "$json" -d "$with_default"
ask 'What has changed, in words' "$url/subjects/parcels-value/versions/1/diff/2"
ask 'Produce with the new version' "$url/topics/parcels" -d '{"to":"Ada","grams":80,"note":"fragile"}'
ask 'Ask for more than BACKWARD from now on' -X PUT "$url/config/parcels-value" -H "$json" -d '{"compatibility":"FULL_TRANSITIVE"}'
