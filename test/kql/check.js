// Reads {tables: [{name, columns: [{name, type}]}], queries: [text], bind: bool} from standard input
// and answers, for each query, what Kusto's own language service has to say against it
// and the columns that it would answer; without bind what its grammar alone has to say. The argument is the folder of node_modules.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const load = createRequire(process.argv[2] + "/");
load("@kusto/language-service-next/bridge.min.js");
load("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

const { GlobalState, KustoCode, Symbols } = globalThis.Kusto.Language;

function table({ name, columns }) {
  const symbols = columns.map((c) => {
    const type = Symbols.ScalarTypes.GetSymbol(c.type);
    if (!type) throw new Error(`${name}.${c.name}: Kusto has no type ${c.type}`);
    return new Symbols.ColumnSymbol(c.name, type);
  });
  return new Symbols.TableSymbol.$ctor4(name, symbols);
}

function all(list) {
  return Array.from({ length: list.Count }, (_, i) => list.getItem(i));
}

function judge(query, globals) {
  if (!globals) return { diagnostics: all(KustoCode.Parse(query).GetDiagnostics()).map((d) => d.Message) };
  const code = KustoCode.ParseAndAnalyze(query, globals);
  return {
    diagnostics: all(code.GetDiagnostics()).map((d) => `${d.Severity}: ${d.Message} at "${query.substr(d.Start, d.Length)}"`),
    columns: code.ResultType?.Columns ? all(code.ResultType.Columns).map((c) => `${c.Name} ${c.Type.Name}`) : [],
  };
}

const { tables, queries, bind } = JSON.parse(readFileSync(0, "utf8"));
const database = new Symbols.DatabaseSymbol.ctor("Hunting", tables.map(table));
const globals = GlobalState.Default.WithDatabase(database);
process.stdout.write(JSON.stringify(queries.map((q) => judge(q, bind && globals))));
