package syntax_test

import "testing"

func TestRowOperators(t *testing.T) {
	t.Parallel()
	check(t, [][2]string{
		{"T | where a > 1 | filter b", "[T | where ?(a > 1) | filter ?b]"},
		{"T | where a = true", "[T | where ?true a=true]"},
		{"T | extend a = b, c | project d, (e, f) = g() | project", "[T | extend a=b, c | project d, e+f=g() | project]"},
		{"T | project-rename a = b | project-away c, d*, *e | project-keep * | project-reorder a desc, b* asc, c", "[T | project-rename a=b | project-away c, d*, *e | project-keep * | project-reorder a desc, b*, c]"},
		{"T | project-reorder a granny-asc, b granny-desc", "[T | project-reorder a, b desc]"},
		{"T | distinct * | distinct a, b | count | count as n", "[T | distinct * | distinct a, b | count | count n]"},
		{"T | sort by a asc, b, c desc nulls first | order by d nulls last", "[T | sort by:a, b desc, c desc | order by:d desc]"},
		{"T | take 5 | limit n | sample 3 | sample-distinct 4 of a", "[T | take #5 | limit #n | sample #3 | sample-distinct #4 a]"},
		{"T | top 5 by a | top n by b asc nulls last | top-hitters 3 of c by d", "[T | top #5 by:a desc | top #n by:b | top-hitters #3 c by:d]"},
		{"T | top-nested 3 of a by count(), top-nested of b with others = 'x' by max(c) | take 1", "[T | top-nested on:{3, a, count(), b, \"x\", max(c)} unread | take #1]"},
		{"T | serialize | serialize n = row_number() | getschema | consume decodeblocks=true", "[T | serialize | serialize n=row_number() | getschema | consume <decodeblocks=true>]"},
		{"T | as x | as hint.materialized=true y", "[T | as as:x | as <hint.materialized=true> as:y]"},
		{"T | invoke f(1) | invoke database('x').g()", `[T | invoke ?f(1) | invoke ?database("x").g()]`},
		{"T | render timechart with (title='x', xcolumn=a) | render table | render piechart title=\"x\" kind=unstacked by a, b", "[T | render | render | render]"},
		{"range x from 1 to 5 step 2 | where x", "[range x from:1 to:5 step:2 | where ?x]"},
		{"print range(1, 2)", "[print range(1, 2)]"},
		{"datatable(a:long, b:string)[1, 'x', -2, dynamic(null),] | take 1", "[datatable a, b | take #1]"},
		{"let x = datatable (a:datetime) [datetime(2026-01-01)]; x", "let x [datatable a]; [x]"},
		{"externaldata(a:string)[@'https://x/y.csv', h'z'] with (format='csv', ignoreFirstRecord=true) | where a", "[externaldata a | where ?a]"},
		{"T | scan declare (x:long = 0) with (step s1: a > 1 => x = 2; step s2: true;) | take 1", "[T | scan on:{(a > 1), 2, true} unread | take #1]"},
		{"T | make-graph a --> b with N on id | graph-match (x)-[e]->(y) where x.a == 1 project x.b", "[T | make-graph unread | graph-match unread]"},
	})
}

func TestGroupingOperators(t *testing.T) {
	t.Parallel()
	check(t, [][2]string{
		{"T | summarize count() by a", "[T | summarize count() by:a]"},
		{"T | summarize (x, y) = arg_max(t, *), n = dcount(b) by bin(t, 1h), c = d", "[T | summarize x+y=arg_max(t, *), n=dcount(b) by:bin(t, 1h0m0s), c=d]"},
		{"T | summarize hint.strategy=shuffle hint.shufflekey = a count() | summarize by b | summarize", "[T | summarize <hint.strategy=shuffle, hint.shufflekey=a> count() | summarize by:b | summarize]"},
		{"T | summarize take_any(*), make_set(a, 5)", "[T | summarize take_any(*), make_set(a, 5)]"},
		{"T | make-series n = count() default=0, m = avg(a) on t from ago(1d) to now() step 1h by b", "[T | make-series n=count(), m=avg(a) by:b on:{t} from:ago(24h0m0s) to:now() step:1h0m0s]"},
		{"T | make-series kind=nonempty count() on t in range(a, b, 1d) by c", "[T | make-series <kind=nonempty> count() by:c on:{t} from:a to:b step:24h0m0s]"},
		{"T | make-series count() on t step 1d", "[T | make-series count() on:{t} step:24h0m0s]"},
		{"T | reduce by a with threshold=0.2, characters='-' | reduce kind=source by b", "[T | reduce <threshold=0.2, characters=\"-\"> by:a | reduce <kind=source> by:b]"},
		{"T | partition by a (top 1 by b | take 1)", "[T | partition by:a sub:[| top #1 by:b desc | take #1]]"},
		{"T | partition hint.strategy=native by a.b { U | where c == 1 }", "[T | partition <hint.strategy=native> by:a.b legs:{[U | where ?(c == 1)]}]"},
		{"T | fork (where a | take 1) x = (count)", "[T | fork legs:{[| where ?a | take #1], [| count]}]"},
		{"T | facet by a, b with (take 1) | facet by c with take 2 | facet by d", "[T | facet by:a, b legs:{[| take #1]} | facet by:c legs:{[| take #2]} | facet by:d]"},
		{"T | evaluate bag_unpack(a, 'p') : (*, t:datetime, b:string) | evaluate hint.distribution=per_node f()", `[T | evaluate ?bag_unpack(a, "p") *, t, b | evaluate <hint.distribution=per_node> ?f()]`},
		{"evaluate f(1)", "[evaluate ?f(1)]"},
	})
}

func TestJoinsAndUnions(t *testing.T) {
	t.Parallel()
	check(t, [][2]string{
		{"T | join U on a", "[T | join on:{a} legs:{U}]"},
		{"T | join kind=leftouter hint.remote=auto (U | where b) on a, $left.x == $right.y", "[T | join <kind=leftouter, hint.remote=auto> on:{a, ($left.x == $right.y)} legs:{[U | where ?b]}]"},
		{"T | join kind = inner (f()) on ['a b'] | where c", "[T | join <kind=inner> on:{a b} legs:{f()} | where ?c]"},
		{"T | lookup kind=leftouter (U) on a | lookup V on $left.b==$right.c", "[T | lookup <kind=leftouter> on:{a} legs:{U} | lookup on:{($left.b == $right.c)} legs:{V}]"},
		{"T | join (materialize(U | where b)) on a", "[T | join on:{a} legs:{materialize([U | where ?b])}]"},
		{"T | union U, V | take 1", "[T | union legs:{U, V} | take #1]"},
		{"union isfuzzy=true withsource=X kind=outer (T | where a), Device*, *, database('d').E*, f(1), ['x y']", `[union <isfuzzy=true, withsource=X, kind=outer> legs:{[T | where ?a], Device*, *, database("d").E*, f(1), x y}]`},
		{"(union T, U) | where a", "[[union legs:{T, U}] | where ?a]"},
		{"let x = union T, U; x", "let x [union legs:{T, U}]; [x]"},
		{"search in (T, U*) 'x' and a:'y' or b has 'z'", `[search ?(("x" and (a : "y")) or (b has "z")) legs:{T, U*}]`},
		{"search kind=case_sensitive * | take 1", "[search <kind=case_sensitive> ?* | take #1]"},
		{"search * has 'x' and b == 1", `[search ?((* has "x") and (b == 1))]`},
		{"find withsource=S in (T, U) where a == 'x' project b, c:string, pack(*)", `[find <withsource=S> ?(a == "x") b, c, pack(*) legs:{T, U}]`},
		{"find a has 'x'", `[find ?(a has "x")]`},
	})
}

func TestExpandingOperators(t *testing.T) {
	t.Parallel()
	check(t, [][2]string{
		{"T | mv-expand a | mvexpand b = c.d to typeof(string), e limit 5", "[T | mv-expand a | mvexpand #5 b=c.d, e]"},
		{"T | mv-expand kind=array with_itemindex=i bagexpansion=bag a", "[T | mv-expand <kind=array, with_itemindex=i, bagexpansion=bag> a]"},
		{"T | mv-apply a = b to typeof(long), c limit 3 on (where a > 1 | summarize sum(a))", "[T | mv-apply #3 a=b, c sub:[| where ?(a > 1) | summarize sum(a)]]"},
		{"T | parse a with * 'x' b:long ',' c 'y' *", "[T | parse a, b, c]"},
		{"T | parse-where kind=regex flags=Ui a with 'x' b:datetime | parse kind = relaxed c with d", "[T | parse-where <kind=regex, flags=Ui> a, b | parse <kind=relaxed> c, d]"},
		{"T | parse-kv a as (b:string, c:long) with (pair_delimiter=',', kv_delimiter='=')", `[T | parse-kv <pair_delimiter=",", kv_delimiter="="> a, b, c]`},
	})
}
