import type { Mutation } from './mutation.ts'

const ANNOUNCER = 'packages/core/src/adapter/write-announcer.ts'
const TRANSACTIONS = 'packages/core/src/adapter/connection-transactions.ts'
const WATCH = 'packages/core/src/adapter/schema-watch.ts'
const CATALOG_READER = 'packages/core/src/adapter/catalog-reader.ts'
const GENERATIONS = 'packages/core/src/schema/schema-generations.ts'
const DEFINITIONS = 'packages/core/src/schema/statement-definitions.ts'
const EFFECT = 'packages/core/src/schema/statement-effect.ts'
const FUNCTIONS = 'packages/core/src/schema/readers/postgresql-functions.ts'
const LEVELS = 'packages/core/src/schema/readers/postgresql-levels.ts'
const MYSQL = 'packages/core/src/schema/readers/mysql.ts'
const SQLITE = 'packages/core/src/schema/readers/sqlite.ts'
const HIDDEN = 'packages/core/src/schema/hidden-calls.ts'
const SESSION = 'packages/core/src/sql/tree/read-session.ts'
const PLPGSQL_ROW = 'packages/core/src/sql/triggers/plpgsql-row.ts'
const CATALOG = 'packages/core/src/schema/catalog.ts'
const PRISMA_OPERATION = 'packages/prisma/src/prisma-operation.ts'
const PLUGIN_STATE = 'packages/knex/src/plugin-state.ts'

const UNSEEN = 'test/integration/unseen-writes.test.ts'
const SENT = 'test/integration/sent-queries.test.ts'
const CONFINED = 'test/integration/confined-writes.test.ts'
const SESSION_TEST = 'packages/core/test/sql/tree/read-session.test.ts'

/** The functions of triggers, and of their conditions. */
const TRIGGER_CALLS =
  "ON d.classid = 'pg_catalog.pg_trigger'::regclass AND d.objid = t.oid AND NOT t.tgisinternal"

const onFeatures = { hasFeatures: true } as const
const postgresql = { ...onFeatures, dialect: 'postgresql' } as const
const mysql = { ...onFeatures, dialect: 'mysql' } as const

/** The rules of reading a schema, of its hidden effects, and of detecting changes. */
export const SCHEMA_MUTATIONS: readonly Mutation[] = [
  {
    name: 'schema-generation-at-storing',
    rule: 'A catalog counts in the generation in which it was asked for.',
    edits: [
      {
        file: CATALOG_READER,
        find: 'generations.current !== generation || this.#mayHaveDefined(catalog)',
        replace: 'this.#mayHaveDefined(catalog)',
      },
      {
        file: CATALOG_READER,
        find: 'catalogs.set(source.id, catalog, generation)',
        replace: 'catalogs.set(source.id, catalog, generations.current)',
      },
      {
        file: CATALOG_READER,
        find: 'this.#readIn = generation\n        this.#failedAt = undefined',
        replace: 'this.#readIn = generations.current\n        this.#failedAt = undefined',
      },
    ],
    test: {
      file: 'packages/core/test/adapter/connection-observer.test.ts',
      name: 'is discarded when DDL was sent while it was read',
    },
  },
  {
    name: 'schema-definition-lasts',
    rule: 'A change of the schema counts at its end, too.',
    edits: [
      { file: GENERATIONS, find: 'return this.#definitions > 0', replace: 'return false' },
      { file: GENERATIONS, find: 'if (isOver) return this.#end()', replace: 'if (isOver) return' },
    ],
    test: {
      file: 'packages/core/test/schema/schema-generations.test.ts',
      name: 'starts a generation when a definition begins and when it ends',
    },
  },
  {
    name: 'schema-definition',
    rule: 'A catalog says nothing after the schema was changed.',
    edits: [
      {
        file: TRANSACTIONS,
        find: 'const endDefinition = defines ? generations.beginDefinition() : undefined',
        replace: 'const endDefinition = defines ? () => {} : undefined',
      },
    ],
    ...onFeatures,
    isQuick: true,
  },
  {
    name: 'schema-definition-in-transaction',
    rule: 'A change of the schema in a transaction counts at the commit.',
    edits: [
      {
        file: TRANSACTIONS,
        find: 'return open.defines ? generations.beginDefinition() : undefined',
        replace: 'return open.defines ? () => {} : undefined',
      },
    ],
    ...onFeatures,
  },
  {
    name: 'schema-definition-of-prisma',
    rule: 'If the statements of Prisma are not instrumented, an operation that may change the schema counts as a change.',
    edits: [
      {
        file: PRISMA_OPERATION,
        find: 'return this.#mayDefine() ? this.#defining(send) : send()',
        replace: 'return send()',
      },
    ],
    ...onFeatures,
  },
  {
    name: 'schema-definition-by-call',
    rule: 'A function may change the schema.',
    edits: [
      {
        file: DEFINITIONS,
        find: "if (hiddenLevel(statement, catalog) === 'defines') return true",
        replace: '',
      },
      {
        file: DEFINITIONS,
        find: 'return catalog !== undefined && callsDefine(statement.functions, catalog)',
        replace: 'return false',
      },
    ],
    test: { file: UNSEEN, name: 'are seen after a schema change by a' },
  },
  {
    name: 'schema-definition-by-trigger',
    rule: 'Functions that a table calls implicitly may change the schema.',
    edits: [
      {
        file: DEFINITIONS,
        find: 'if (effect?.everything === true && catalog?.hasDefiningTriggers === true) return true',
        replace: '',
      },
    ],
    test: { file: UNSEEN, name: 'are seen after a schema change by a trigger' },
  },
  {
    name: 'schema-write-across-generations',
    rule: 'A write that ends in another generation than it began in wrote everything.',
    edits: [
      {
        file: 'packages/core/src/adapter/single-write.ts',
        find: "const isOutdated = !effect.everything && outcome !== 'rolled-back' &&",
        replace: 'const isOutdated = outcome === null &&',
      },
    ],
    test: {
      file: 'packages/core/test/adapter/connection-observer.test.ts',
      name: 'announces everything when a write ends after the schema',
    },
  },
  {
    name: 'schema-writes-in-flight',
    rule: 'The schema changes until the writes have ended that were in flight when it had changed.',
    edits: [
      {
        file: GENERATIONS,
        find: 'const before = new Set(this.#eras)',
        replace: 'const before = new Set<WriteEra>()',
      },
    ],
    test: {
      file: 'packages/core/test/schema/schema-generations.test.ts',
      name: 'that were in flight when the definition ended',
    },
  },
  {
    name: 'schema-plans',
    rule: 'The writes of a statement are determined again when a catalog has changed.',
    edits: [
      {
        file: ANNOUNCER,
        find: 'if (planned.write?.version !== catalogs.used())',
        replace: 'if (planned.write === undefined)',
      },
    ],
    test: {
      file: 'packages/core/test/adapter/connection-observer.test.ts',
      name: 'announces the writes of a statement with the current catalog',
    },
  },
  {
    name: 'schema-unknown-writes',
    rule: 'A write that is sent while no catalog is known may change the schema until its transaction has ended.',
    edits: [{ file: CATALOG_READER, find: 'if (writes.length > 0) sent.add(WRITE)', replace: 'void writes' }],
    test: { file: UNSEEN, name: 'changed the schema while no catalog was known' },
  },
  {
    name: 'schema-watch',
    rule: 'A change of the schema by another process is noticed.',
    edits: [
      { file: WATCH, find: 'if (found === expected && !this.#isUntold)', replace: 'if (!this.#isUntold)' },
    ],
    test: {
      file: 'test/integration/foreign-definitions.test.ts',
      name: 'is detected within the configured time',
    },
  },
  {
    name: 'schema-watch-late',
    rule: 'A catalog that was not compared lately does not count.',
    edits: [
      {
        file: WATCH,
        find: 'catalogs.setUnchecked(this.source.id, true)',
        replace: 'catalogs.setUnchecked(this.source.id, false)',
      },
    ],
    test: { file: 'packages/core/test/adapter/schema-watch.test.ts', name: 'does not trust a catalog' },
  },
  {
    name: 'schema-own-types',
    rule: 'Processes share results of types that they parse alike.',
    edits: [
      {
        file: CATALOG,
        find: 'this.ownTypes = data.ownTypes ?? []',
        replace: 'this.ownTypes = []',
      },
    ],
    test: { file: 'test/integration/own-type-parsers.test.ts', name: 'is shared among processes' },
  },
  {
    name: 'schema-torn',
    rule: 'The statements of a catalog read one state.',
    edits: [
      {
        file: 'packages/core/src/schema/read-catalog.ts',
        find: 'if (fingerprint !== before) continue',
        replace: 'void before',
      },
    ],
    test: {
      file: 'test/integration/read-catalog.test.ts',
      name: 'reads again if the schema changed during the read',
    },
  },
  {
    name: 'schema-triggers-postgresql',
    rule: 'A write to a table whose trigger may write other tables writes everything.',
    edits: [{ file: FUNCTIONS, find: TRIGGER_CALLS, replace: 'ON false' }],
    ...postgresql,
  },
  {
    name: 'schema-trigger-condition',
    rule: 'The condition of a trigger may call a function that writes.',
    edits: [{ file: FUNCTIONS, find: TRIGGER_CALLS, replace: `${TRIGGER_CALLS} AND d.function = t.tgfoid` }],
    test: { file: CONFINED, name: 'sets another table, in its condition' },
  },
  {
    name: 'schema-trigger-columns',
    rule: 'A trigger may set a key of the row that fires it.',
    edits: [{ file: PLPGSQL_ROW, find: 'columns.add(column)', replace: '{}' }],
    test: { file: CONFINED, name: 'sets a key:' },
  },
  {
    name: 'schema-trigger-returns',
    rule: 'A trigger function may return another row than its own.',
    edits: [
      { file: PLPGSQL_ROW, find: "(upper === 'RETURN' && !returnsRow(tokens, at + 1))", replace: 'false' },
    ],
    test: {
      file: 'packages/core/test/sql/triggers/plpgsql-row.test.ts',
      name: 'are any: begin return r; end',
    },
  },
  {
    name: 'schema-trigger-cascade',
    rule: 'Cascades follow the columns that triggers set.',
    edits: [
      {
        file: CATALOG,
        find: 'const own = triggered?.[change.kind]',
        replace:
          'const found = triggered?.[change.kind]\n      const own = found?.isOfRow === true ? undefined : found',
      },
    ],
    test: { file: CONFINED, name: 'cascades if a trigger sets a referenced column' },
  },
  {
    name: 'schema-trigger-rows',
    rule: 'A trigger may update other rows of its table.',
    edits: [{ file: CATALOG, find: 'isOwn: isOwn && isOfRow', replace: 'isOwn' }],
    test: { file: CONFINED, name: 'sets other rows:' },
  },
  {
    name: 'schema-trigger-calls-mysql',
    rule: 'A trigger of MySQL may call a function that writes.',
    edits: [
      {
        file: 'packages/core/src/sql/triggers/mysql-trigger.ts',
        find: 'if (isCalled && !this.#isSafeCall(at, isField)) return undefined',
        replace: '{}',
      },
    ],
    test: { file: CONFINED, name: 'sets another table, in a function' },
  },
  {
    name: 'schema-local-settings',
    rule: 'A function may change the tables behind names until the end of its transaction.',
    edits: [
      {
        file: LEVELS,
        find: "const least = configures || mayChangeNames(tokens) ? 'writes' : 'reads'",
        replace: "const least = 'reads'",
      },
    ],
    test: {
      file: 'test/integration/session-changes.test.ts',
      name: 'sees the tables that a transaction writes after select local_schema',
    },
  },
  {
    name: 'schema-triggers-mysql',
    rule: 'A write to a table whose trigger may write other tables writes everything.',
    edits: [
      {
        file: MYSQL,
        find: "!triggersSeen.has(name.schema) || own === 'unknown'",
        replace: '!triggersSeen.has(name.schema)',
      },
    ],
    ...mysql,
  },
  {
    name: 'schema-defaults',
    rule: 'A default may call a function that writes.',
    edits: [
      { file: FUNCTIONS, find: "d.classid = 'pg_catalog.pg_attrdef'::regclass AND", replace: 'false AND' },
    ],
    ...postgresql,
  },
  {
    name: 'schema-checks',
    rule: 'A check may call a function that writes.',
    edits: [
      {
        file: FUNCTIONS,
        find: 'SELECT c.conrelid, c.contypid, d.function',
        replace: 'SELECT 0::oid, c.contypid, d.function',
      },
    ],
    ...postgresql,
  },
  {
    name: 'schema-domains',
    rule: 'The check of a domain may call a function that writes.',
    edits: [
      {
        file: FUNCTIONS,
        find: 'SELECT c.conrelid, c.contypid, d.function',
        replace: 'SELECT c.conrelid, 0::oid, d.function',
      },
    ],
    ...postgresql,
  },
  {
    name: 'schema-inner-calls',
    rule: 'A function may do what the functions that it calls may do.',
    edits: [
      {
        file: LEVELS,
        find: 'for (let isGrowing = true; isGrowing; ) {\n    isGrowing = false\n    for (const [id, level] of levels) {',
        replace:
          'for (let isGrowing = false; isGrowing; ) {\n    isGrowing = false\n    for (const [id, level] of levels) {',
      },
    ],
    ...postgresql,
  },
  {
    name: 'schema-calls-write',
    rule: 'A statement that calls a function may write.',
    edits: [{ file: EFFECT, find: 'callsMayWrite(statement, catalog) || ', replace: '' }],
    ...postgresql,
  },
  {
    name: 'schema-calls-read',
    rule: 'No result that depends on a user-defined function is cached.',
    edits: [
      { file: HIDDEN, find: "read ??= { refused: 'USER_DEFINED_FUNCTION' }", replace: '' },
      {
        file: EFFECT,
        find: "if (!arePure(statement.functions, catalog)) return { refused: 'UNKNOWN_FUNCTION' }",
        replace: '',
      },
    ],
    test: { file: UNSEEN, name: 'caches no result that depends on more than its tables' },
  },
  {
    name: 'schema-fields-read',
    rule: 'No result with a computed field is cached.',
    edits: [
      { file: HIDDEN, find: "if (rows.length > 0) read ??= { refused: 'COMPUTED_FIELD' }", replace: '' },
    ],
    ...postgresql,
  },
  {
    name: 'schema-fields-write',
    rule: 'A computed field may write.',
    edits: [
      {
        file: HIDDEN,
        find: 'for (const name of rows) level = higherLevel(level, untrusted.get(name))',
        replace: '',
      },
    ],
    test: { file: UNSEEN, name: 'are seen by the next read: a computed field' },
  },
  {
    name: 'schema-reads-write',
    rule: 'A view or a policy may call a function that writes.',
    edits: [
      {
        file: HIDDEN,
        find: 'catalog.whenRead(statement.reads.map((name) => catalog.idOf(name)))',
        replace: "'reads'",
      },
    ],
    test: { file: UNSEEN, name: 'are seen by the next read: a view' },
  },
  {
    name: 'schema-reads-write-of-prisma',
    rule: 'If the statements of Prisma are not instrumented, an operation that reads such a view counts as a write.',
    edits: [
      {
        file: PRISMA_OPERATION,
        find: 'this.#callsWhenRead() ? ',
        replace: 'this.#callsWhenRead() && this.isRaw ? ',
      },
    ],
    test: { file: UNSEEN, name: 'are seen by the next read: a view, read by' },
  },
  {
    name: 'schema-operators',
    rule: 'An operator of a user may read and write any table.',
    edits: [
      {
        file: HIDDEN,
        find: 'operators.size === 0 ? [] : names.operators',
        replace: '[] as string[]',
      },
    ],
    test: { file: UNSEEN, name: 'are seen by the next read: an operator' },
  },
  {
    name: 'schema-types',
    rule: 'No result that depends on a cast by a function that reads tables is cached.',
    edits: [{ file: HIDDEN, find: "read ??= { refused: 'USER_DEFINED_TYPE' }", replace: '' }],
    test: { file: UNSEEN, name: 'caches no result that depends on more than its tables' },
  },
  {
    name: 'schema-views',
    rule: 'No result of a view is cached: its tables are not known.',
    edits: [
      {
        file: SQLITE,
        find: "kind: textOf(row, 'type') === 'table' ? 'table' : 'view'",
        replace: "kind: 'table'",
      },
    ],
    ...onFeatures,
  },
  {
    name: 'schema-triggers-sqlite',
    rule: 'A write to a table whose trigger may write other tables writes everything.',
    edits: [
      {
        file: SQLITE,
        find: "hasTriggers: flagOf(row, 'has_triggers') || own === 'unknown'",
        replace: 'hasTriggers: false',
      },
    ],
    ...onFeatures,
    isQuick: true,
  },
  {
    name: 'schema-session-reads',
    rule: 'While a connection has different session settings, nothing is cached, and names may refer to other tables.',
    edits: [
      {
        file: ANNOUNCER,
        find: 'catalogs.setStrange(this.#sourceId, this.#sessions.hasChanged)',
        replace: 'void catalogs',
      },
    ],
    test: { file: UNSEEN, name: 'caches nothing while a connection has different session settings' },
  },
  {
    name: 'schema-neutral-local',
    rule: 'A local setting counts as one, too: SET LOCAL search_path changes the tables that names refer to.',
    edits: [
      {
        file: SESSION,
        find: 'return neutralSettings.has(nameAt(cursor, isScoped ? offset + 1 : offset))',
        replace:
          "return cursor.isWord('LOCAL', offset) || neutralSettings.has(nameAt(cursor, isScoped ? offset + 1 : offset))",
      },
    ],
    test: { file: SESSION_TEST, name: 'are not set local search_path' },
  },
  {
    name: 'schema-neutral-calls',
    rule: 'The value of a setting of MySQL may call a function.',
    edits: [
      {
        file: SESSION,
        find: "if (cursor.isSymbol('(', offset) || cursor.token(offset)?.kind === 'parameter') return false",
        replace: '{}',
      },
    ],
    test: { file: SESSION_TEST, name: 'are not set max_statement_time = f()' },
  },
  {
    name: 'schema-virtual-columns',
    rule: 'No column whose value depends on more than its row is cached.',
    edits: [
      { file: MYSQL, find: 'kind: unknown.has(JSON.stringify(name)) ?', replace: "kind: unknown.has('') ?" },
    ],
    test: { file: UNSEEN, name: 'caches no column that is computed on read' },
  },
  {
    name: 'schema-relative-dates',
    rule: 'No query with a bound string that PostgreSQL may read as the current time is cached.',
    edits: [
      {
        file: 'packages/core/src/sql/relative-date.ts',
        find: "return dialect === 'postgresql' && values.some(isRelative)",
        replace: "return dialect === 'postgresql' && values.length < 0 && values.some(isRelative)",
      },
    ],
    test: { file: UNSEEN, name: 'caches no result that depends on more than its tables' },
  },
  {
    name: 'key-sent',
    rule: 'The sent query determines the owner of its result: a builder may change after it was issued.',
    edits: [
      {
        file: 'packages/knex/src/knex-operation.ts',
        find: 'if (this.#cachedQuery !== undefined && !isSame(this.#cachedQuery, sql, bindings)) this.#hasChanged = true',
        replace: 'if (this.#cachedQuery !== undefined) isSame(this.#cachedQuery, sql, bindings)',
      },
    ],
    test: { file: SENT, name: 'a builder that changes after it was issued' },
  },
  {
    name: 'key-start-listeners',
    rule: 'An instance with listeners of `start`, which may change each query, is only observed.',
    edits: [
      {
        file: PLUGIN_STATE,
        find: 'return knex === undefined || listenersOf(client) !== 1 || listenersOf(knex) > 0',
        replace: 'return knex === undefined && listenersOf(client) > 1',
      },
    ],
    test: { file: SENT, name: 'whose `start` listeners may change them' },
  },
  {
    name: 'shadow-proved-reads',
    rule: '`shadow` runs a read twice only if the cache would accept it.',
    edits: [
      {
        file: 'packages/core/src/pipeline/shadow.ts',
        find: 'if (request === undefined || isRefusal(request)) return next(operation, context)',
        replace:
          'if (request === undefined) return next(operation, context)\n    const tables = isRefusal(request) ? [] : request.tables',
      },
      {
        file: 'packages/core/src/pipeline/shadow.ts',
        find: 'own, other, request.tables)',
        replace: 'own, other, tables)',
      },
    ],
    test: { file: SENT, name: 'runs statements with possible side effects once' },
  },
]
