package config

import (
	"reflect"
	"slices"
	"strings"

	"hunting-exporter/internal/setting"
)

// Variable is one setting, as its struct tag declares it.
type Variable struct {
	Name    string
	Default string
	Help    string
	Secret  bool // also read from the file that <Name>_FILE names
	Type    reflect.Type
}

// Flag is the name of the variable's flag: EXPORT_TABLES → export-tables.
func (v Variable) Flag() string { return FlagName(v.Name) }

// FlagName is the name of a variable's flag.
func FlagName(variable string) string {
	return strings.ToLower(strings.ReplaceAll(variable, "_", "-"))
}

// Variables lists every setting in the order of the structs.
func Variables() []Variable { return collect(reflect.TypeFor[Config](), nil) }

func collect(t reflect.Type, all []Variable) []Variable {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("env")
		if tag == "" {
			if f.Type.Kind() == reflect.Struct {
				all = collect(f.Type, all)
			}
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		v := Variable{Name: name, Help: f.Tag.Get("help"), Type: f.Type, Secret: f.Type == reflect.TypeFor[setting.Secret]()}
		if _, d, ok := strings.Cut(options, "default="); ok {
			v.Default = d
		}
		if v.Help == "" {
			v.Help = variableHelp[name]
		}
		if !slices.ContainsFunc(all, func(x Variable) bool { return x.Name == name }) { // packages may share one
			all = append(all, v)
		}
	}
	return all
}

// variableHelp explains settings of packages whose tags carry no help. A test
// demands that each variable has one and that none is left over.
var variableHelp = map[string]string{
	"SOURCE_API":                        "graph, m365d or mde",
	"SOURCE_CLOUD":                      "public, gcc, gcchigh or dod",
	"SOURCE_ENDPOINT":                   "base URL instead of the cloud's own; https, or http on loopback only",
	"SOURCE_CONCURRENCY":                "calls at once, over all datasets",
	"SOURCE_CALLS_PER_MINUTE":           "calls a minute that this exporter may use of the tenant's quota",
	"SOURCE_CALLS_PER_HOUR":             "calls an hour; 0: none for graph and m365d, 1500 for mde",
	"SOURCE_MAX_ROWS":                   "an answer of as many rows is taken as cut",
	"SOURCE_MAX_BODY_BYTES":             "an answer of more bytes is refused, and its window narrowed",
	"SOURCE_TIMEOUT":                    "of one call, its body included",
	"AZURE_TENANT_ID":                   "directory (tenant) id",
	"AZURE_CLIENT_ID":                   "application (client) id",
	"AZURE_CLIENT_SECRET":               "client secret",
	"AZURE_CLIENT_CERTIFICATE_PATH":     "PEM or PKCS#12 file with certificate and key, instead of a secret",
	"AZURE_CLIENT_CERTIFICATE_PASSWORD": "password of that file",
	"AZURE_FEDERATED_TOKEN_FILE":        "service account token of workload identity, instead of a secret",
	"AZURE_AUTHORITY_HOST":              "token server instead of the cloud's own",
	"TRANSFORM_MAX_DEPTH":               "nested objects and arrays of an answer",
	"TRANSFORM_MAX_CELL_BYTES":          "bytes of one cell",
	"TRANSFORM_MAX_COLUMNS":             "columns of an answer",
	"AWS_REGION":                        "region of the bucket and of aws-msk-iam; as every AWS SDK reads it",
	"AWS_ENDPOINT_URL_S3":               "S3 endpoint instead of AWS's own",
	"S3_PATH_STYLE":                     "bucket in the path instead of the host name",
	"S3_SSE":                            "server-side encryption: AES256, aws:kms or aws:kms:dsse",
	"S3_KMS_KEY_ID":                     "key of aws:kms",
	"S3_CHECKSUM":                       "when_supported, or when_required for stores that refuse newer checksums",
	"PARQUET_COMPRESSION":               "codec of the pages: zstd, snappy or none",
	"PARQUET_ROW_GROUP_ROWS":            "rows of a row group",
	"PARQUET_TIMESTAMP":                 "us, or ns to keep all seven digits",
	"PARQUET_BLOOM":                     "columns with a bloom filter; empty: sensible per table",
	"KAFKA_BROKERS":                     "comma list of host:port; empty: no Kafka",
	"KAFKA_TOPIC":                       "topic template; {table} stands for the dataset, {tenant} for the tenant's id",
	"KAFKA_FORMAT":                      "value of the events: record, as Microsoft's own streaming export sends it",
	"KAFKA_DELIVERY":                    "exactly-once or at-least-once",
	"KAFKA_TLS":                         "true: TLS to the brokers",
	"KAFKA_TLS_CA_FILE":                 "PEM file of the authorities to trust instead of the system's",
	"KAFKA_TLS_CERT_FILE":               "PEM file of the client certificate",
	"KAFKA_TLS_KEY_FILE":                "PEM file of the client certificate's key",
	"KAFKA_SASL_MECHANISM":              "plain, scram-sha-256, scram-sha-512, oauthbearer or aws-msk-iam",
	"KAFKA_SASL_USERNAME":               "user of plain and scram",
	"KAFKA_SASL_PASSWORD":               "password of plain and scram",
}
