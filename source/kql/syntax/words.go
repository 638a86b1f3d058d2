package syntax

import "strings"

// set is the words of a text.
func set(text string) map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		all[word] = true
	}
	return all
}

// The keywords that are no names of columns, tables or functions unless written ['…'].
var reserved = set(`
__contextual_datatable __crossCluster __crossDB __executeAndCache __id __isFuzzy __noWithSource __packedColumn
__projectAway __sourceColumnIndex 3Dchart accumulate and anomalychart areachart as asc bagexpansion barchart between
boolean by byte cachingpolicy callout cancel card char columnchart contains contains_cs containscs cycles
dataexport datascope datatable date datetime decimal decodeblocks desc double dynamic earliest encodingpolicy
endswith endswith_cs expandoutput extent_tags_retention external_data externaldata find first flags float
force_remote harddelete hardretention has has_all has_any has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs hotcache
in int int16 int32 int64 int8 invoke isfuzzy journal kind ladderchart last latest like likecs linechart long
materialize mdm missing nooptimization notcontains notcontainscs notlike notlikecs of or others pathformat piechart
pivotchart print project queries query_results real relaxed restricted_view_access row_level_security rowstore
rowstore_references rowstore_sealinfo rowstorepolicy rowstores sample scatterchart seal seals search set shards
simple softdelete softretention sql stackedareachart startswith startswith_cs statistics storedqueryresultcontainers
string tablepurge time timechart timeline timepivot timespan title to toscalar totable treemap uint uint16 uint32
uint64 uint8 ulong union uniqueid unrestrictedviewers verbose viewers views where with_itemindex with_match_id
with_source with_step_name withsource writeaheadlog`)

// Those of them that may be names where a name is given rather than looked up.
var given = set(`
accumulate as by contains datatable earliest externaldata find has in invoke latest materialize mdm of print sample
search set sql title to toscalar totable verbose viewers where`)

// Those of them that may be names in an expression.
var looked = set(`kind withsource with_source`)

// hyphenated are the keywords of several parts.
var hyphenated = []string{
	"assert-schema", "commands-and-queries", "granny-asc", "granny-desc", "graph-mark-components", "graph-match",
	"graph-shortest-paths", "graph-to-table", "graph-where-edges", "graph-where-nodes", "macro-expand", "make-graph",
	"make-series", "materialized-view-combine", "materialized-views", "mv-apply", "mv-expand", "parse-kv", "parse-where",
	"partitioned-by", "project-away", "project-by-names", "project-keep", "project-rename", "project-reorder", "project-smart",
	"sample-distinct", "set-or-append", "set-or-replace", "top-hitters", "top-nested",
}

// The parameters of operators, name=value.
var (
	parameters = set(`
__crossCluster __crossDB __id __isFuzzy __noWithSource __packedColumn __sourceColumnIndex bagexpansion best_effort bin_legacy
decodeblocks expandoutput isfuzzy kind with_itemindex with_match_id with_source with_step_name withsource`)
	hints = set(`
hint.concurrency hint.distribution hint.materialized hint.num_partitions hint.pass_filters hint.pass_filters_column
hint.progressive_top hint.remote hint.shufflekey hint.spread hint.strategy`)
)

// columnLists are the properties of a chart whose value may be several columns.
var columnLists = set("anomalycolumns series ycolumns")

// typed are the types whose literals are written with parentheses right behind.
var typed = set("bool date datetime decimal double guid int int32 int64 long real time timespan")

// types are those that a parameter or a column may have.
var types = set("bool boolean date datetime decimal double dynamic guid int int64 int8 long real string time timespan uniqueid")

// Operators on strings, which bind closer than *.
var stringOperators = set(`=~ !~ : has !has has_cs !has_cs hasprefix !hasprefix hasprefix_cs !hasprefix_cs
hassuffix !hassuffix hassuffix_cs !hassuffix_cs like notlike likecs notlikecs
contains notcontains !contains contains_cs containscs notcontainscs !contains_cs
startswith !startswith startswith_cs !startswith_cs endswith !endswith endswith_cs !endswith_cs`)

// listOperators take a list in parentheses.
var listOperators = set("in !in in~ !in~ has_any has_all")

// banged are the words that ! turns round.
var banged = set(`between contains contains_cs endswith endswith_cs has has_cs hasprefix hasprefix_cs hassuffix
hassuffix_cs in startswith startswith_cs`)
