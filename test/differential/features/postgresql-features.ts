import type { KnexCall } from '../program.ts'
import { type FeaturePlan, rawWrite, readAll, selectRaw, type Target, writesTo } from './feature-plan.ts'

const SIDE_WRITES = writesTo('feature_side', { n: 5 })

/**
 * Functions behind triggers, defaults, checks, domains, operators, casts, policies and computed fields;
 * views, rules, a role and a second schema.
 */
export function planPostgresql(plan: FeaturePlan, database: string): void {
  new PostgresqlFeatures(plan, database).add()
}

class PostgresqlFeatures {
  #functions = 0

  constructor(
    private readonly plan: FeaturePlan,
    private readonly database: string,
  ) {}

  add(): void {
    this.#addTrigger()
    this.#addRowTrigger()
    this.#addModelDefault()
    this.#addSources()
    this.#addWritingCalls()
    this.#addDependentReads()
    this.#addTriggerDefinitions()
    this.#addFunctionDefinitions()
    this.#addTableDefinitions()
    this.#addSearchPath()
    this.#addRole()
  }

  /** A function that changes a target, sometimes through another function. */
  #poke(target: Target, args = '', returns = 'int', result = '1'): string {
    this.#functions += 1
    const name = `poke_${this.#functions}`
    const body = `BEGIN ${this.plan.bump(target)}; RETURN ${result}; END`
    if (returns === 'int' && this.plan.random.chance(0.3)) {
      this.plan.setUp.push(`CREATE FUNCTION inner_${name}() RETURNS int LANGUAGE plpgsql AS $$ ${body} $$`)
      this.plan.setUp.push(
        `CREATE FUNCTION ${name}(${args}) RETURNS int LANGUAGE sql AS 'SELECT inner_${name}()'`,
      )
    } else
      this.plan.setUp.push(
        `CREATE FUNCTION ${name}(${args}) RETURNS ${returns} LANGUAGE plpgsql AS $$ ${body} $$`,
      )
    return name
  }

  /** A function that reads a target and changes nothing. */
  #peek(target: Target, args = '', returns = 'int'): string {
    this.#functions += 1
    const name = `peek_${this.#functions}`
    const { plan } = this
    plan.setUp.push(
      `CREATE FUNCTION ${name}(${args}) RETURNS ${returns} LANGUAGE sql STABLE AS $$ ${plan.digest(target)} $$`,
    )
    return name
  }

  #fire(target: Target): string {
    return this.#poke(target, '', 'trigger', 'NULL')
  }

  #addTrigger(): void {
    const { plan } = this
    const { source, model, at } = plan.source()
    const target = plan.target(at)
    const each = plan.random.pick(['ROW', 'STATEMENT'])
    plan.setUp.push(
      `CREATE TRIGGER feature_fixed AFTER INSERT OR UPDATE OR DELETE ON "${source.table}" FOR EACH ${each} EXECUTE FUNCTION ${this.#fire(target)}()`,
    )
    plan.links.push({ writes: model, reads: target })
  }

  /** A trigger that only changes the row that fires it. */
  #addRowTrigger(): void {
    const { plan } = this
    const { source, model } = plan.source()
    plan.setUp.push(
      `CREATE FUNCTION feature_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${plan.assignment(source, 'NEW.')}; RETURN NEW; END $$`,
      `CREATE TRIGGER feature_row BEFORE INSERT OR UPDATE ON "${source.table}" FOR EACH ROW EXECUTE FUNCTION feature_row()`,
    )
    plan.links.push({ writes: model, reads: source })
  }

  #addModelDefault(): void {
    const { plan } = this
    const { source, model, at } = plan.source()
    const target = plan.target(at)
    plan.setUp.push(
      `ALTER TABLE "${source.table}" ADD COLUMN feature_n int NOT NULL DEFAULT ${this.#poke(target)}()`,
    )
    plan.links.push({ writes: model, reads: target })
  }

  #addSources(): void {
    const { plan } = this
    const [byDefault, byCheck, byDomain] = [plan.target(), plan.target(), plan.target()]
    const ofDefault = plan.addSource('default', `v int DEFAULT ${this.#poke(byDefault)}()`)
    plan.links.push({ writes: writesTo(ofDefault), reads: byDefault })
    const ofCheck = plan.addSource('check', `v int CHECK (${this.#poke(byCheck, 'int')}(v) > 0)`)
    plan.links.push({ writes: writesTo(ofCheck, { v: 2 }), reads: byCheck })
    plan.setUp.push(`CREATE DOMAIN checked_int AS int CHECK (${this.#poke(byDomain, 'int')}(VALUE) > 0)`)
    const ofDomain = plan.addSource('domain', 'v checked_int')
    plan.links.push({ writes: writesTo(ofDomain, { v: 2 }), reads: byDomain })
  }

  #addWritingCalls(): void {
    const { plan } = this
    const [byCall, byOperator, byField] = [plan.target(), plan.target(), plan.target()]
    const table = plan.addSource('row')
    plan.links.push({ writes: [rawWrite(`SELECT ${this.#poke(byCall)}()`)], reads: byCall })
    plan.setUp.push(
      `CREATE OPERATOR <!> (leftarg = int, rightarg = int, function = ${this.#poke(byOperator, 'int, int')})`,
    )
    plan.links.push({ writes: [{ ...selectRaw(table, 'id <!> 1'), isVague: true }], reads: byOperator })
    const field = this.#poke(byField, table)
    plan.links.push({ writes: [{ ...selectRaw(table, `${table}.${field}`), isVague: true }], reads: byField })
    plan.setUp.push('CREATE VIEW feature_editable AS SELECT id, n FROM feature_side')
    plan.links.push({ writes: writesTo('feature_editable', { n: 4 }), reads: plan.targets[0] as Target })
    const [byView, byCast] = [plan.target(), plan.target()]
    plan.setUp.push(`CREATE VIEW feature_called AS SELECT id, ${this.#poke(byView)}() AS x FROM ${table}`)
    plan.links.push({ writes: [{ ...readAll('feature_called'), isVague: true }], reads: byView })
    plan.setUp.push(`CREATE DOMAIN called_int AS int CHECK (${this.#poke(byCast, 'int')}(VALUE) > 0)`)
    plan.setUp.push("CREATE FUNCTION feature_cast() RETURNS int LANGUAGE sql AS 'SELECT 1::called_int::int'")
    plan.links.push({ writes: [rawWrite('SELECT feature_cast()')], reads: byCast })
  }

  #addDependentReads(): void {
    const { plan } = this
    const target = plan.target()
    const table = 'feature_row'
    plan.setUp.push(
      `CREATE OPERATOR <?> (leftarg = int, rightarg = int, function = ${this.#peek(target, 'int, int')})`,
    )
    plan.setUp.push('CREATE TYPE feature_box AS (n int)')
    plan.setUp.push(
      `CREATE CAST (feature_box AS int) WITH FUNCTION ${this.#peek(target, 'feature_box')}(feature_box) AS ASSIGNMENT`,
    )
    plan.setUp.push(`CREATE VIEW feature_digest AS ${plan.digest(target)}`)
    plan.links.push({
      writes: target.model ?? SIDE_WRITES,
      reads: [
        selectRaw(table, `${table}.${this.#peek(target, table)}`),
        selectRaw(table, `${this.#peek(target)}() as x`),
        selectRaw(table, 'id <?> 1 as x'),
        selectRaw(table, 'row(1)::feature_box::int as x'),
        readAll('feature_digest'),
      ],
    })
  }

  #addTriggerDefinitions(): void {
    const { plan } = this
    for (const name of ['raw', 'block', 'function', 'default'] as const) {
      const { source, model, at } = plan.source()
      const target = plan.target(at)
      const trigger = `feature_${name}`
      const create = `CREATE TRIGGER ${trigger} AFTER INSERT OR UPDATE OR DELETE ON "${source.table}" FOR EACH STATEMENT EXECUTE FUNCTION ${this.#fire(target)}()`
      const link = {
        writes: model,
        reads: target,
        undo: `DROP TRIGGER IF EXISTS ${trigger} ON "${source.table}"`,
        isShared: true,
      }
      if (name === 'raw') plan.definitions.push({ ...link, define: create })
      if (name === 'block') plan.definitions.push({ ...link, define: `DO $$ BEGIN ${create}; END $$` })
      const definer = `CREATE FUNCTION define_${name}() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE '${create}'; RETURN 1; END $$`
      if (name === 'function') {
        plan.setUp.push(definer)
        plan.definitions.push({ ...link, define: 'SELECT define_function()' })
      }
      if (name === 'default') {
        const table = plan.addSource('definer')
        plan.setUp.push(definer, `ALTER TABLE ${table} ALTER COLUMN v SET DEFAULT define_default()`)
        const [first] = writesTo(table)
        if (first !== undefined) plan.definitions.push({ ...link, define: first })
      }
    }
  }

  #addFunctionDefinitions(): void {
    const { plan } = this
    const target = plan.target()
    const quiet = (body: string) =>
      `CREATE OR REPLACE FUNCTION helper() RETURNS int LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN 1; END $$`
    plan.setUp.push(quiet(''))
    const table = plan.addSource('helped', 'v int DEFAULT helper()')
    const link = { writes: writesTo(table), reads: target, isShared: true }
    plan.definitions.push({ ...link, define: quiet(`${plan.bump(target)};`), undo: quiet('') })
    const poke = this.#poke(target)
    const swapped = `ALTER FUNCTION ${poke}() RENAME TO helper`
    plan.definitions.push({
      ...link,
      define: `ALTER TABLE ${table} ALTER COLUMN v SET DEFAULT ${poke}()`,
      undo: `ALTER TABLE ${table} ALTER COLUMN v SET DEFAULT helper()`,
      isShared: false,
    })
    // A name in the source of a function is resolved when the function is called.
    plan.setUp.push(
      'CREATE FUNCTION caller() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN named(); END $$',
    )
    plan.setUp.push('CREATE FUNCTION named() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$')
    plan.setUp.push(swapped.replace('helper', 'other'))
    const calling = plan.addSource('calling', 'v int DEFAULT caller()')
    plan.definitions.push({
      writes: writesTo(calling),
      reads: target,
      define:
        'DO $$ BEGIN ALTER FUNCTION named() RENAME TO unnamed; ALTER FUNCTION other() RENAME TO named; END $$',
      undo: `DO $$ BEGIN IF to_regproc('unnamed') IS NOT NULL THEN
        ALTER FUNCTION named() RENAME TO other; ALTER FUNCTION unnamed() RENAME TO named; END IF; END $$`,
      isShared: true,
    })
  }

  #addTableDefinitions(): void {
    const { plan } = this
    const target = plan.target()
    const plain = plan.addSource('plain')
    const writes = writesTo(plain, { v: 3 })
    const poke = this.#poke(target, 'int')
    plan.definitions.push({
      writes,
      reads: target,
      isShared: false,
      define: `ALTER TABLE ${plain} ADD CONSTRAINT feature_later CHECK (${poke}(v) > 0) NOT VALID`,
      undo: `ALTER TABLE ${plain} DROP CONSTRAINT IF EXISTS feature_later`,
    })
    plan.definitions.push({
      writes,
      reads: target,
      isShared: false,
      define: `CREATE RULE feature_rule AS ON INSERT TO ${plain} DO ALSO ${plan.bump(target)}`,
      undo: `DROP RULE IF EXISTS feature_rule ON ${plain}`,
    })
    plan.setUp.push('CREATE DOMAIN open_int AS int')
    const open = plan.addSource('open', 'v open_int')
    plan.definitions.push({
      writes: writesTo(open, { v: 3 }),
      reads: target,
      isShared: false,
      define: `ALTER DOMAIN open_int ADD CONSTRAINT feature_later CHECK (${poke}(VALUE) > 0) NOT VALID`,
      undo: 'ALTER DOMAIN open_int DROP CONSTRAINT IF EXISTS feature_later',
    })
    plan.defineCascade()
    const { source, model } = plan.source()
    plan.definitions.push({
      writes: model,
      reads: source,
      isShared: false,
      define: `ALTER TABLE "${source.table}" ADD COLUMN feature_extra int DEFAULT 7`,
      undo: `ALTER TABLE "${source.table}" DROP COLUMN IF EXISTS feature_extra`,
    })
    const swap = plan.addSource('swap')
    plan.definitions.push({
      writes: target.model ?? SIDE_WRITES,
      reads: [readAll(swap)],
      isShared: false,
      define: `ALTER TABLE ${swap} RENAME TO ${swap}_was; CREATE VIEW ${swap} AS ${plan.digest(target)}`,
      undo: `DO $$ BEGIN IF to_regclass('${swap}_was') IS NOT NULL THEN
        DROP VIEW ${swap}; ALTER TABLE ${swap}_was RENAME TO ${swap}; END IF; END $$`,
    })
  }

  /** A schema with a table of the same name as another. */
  #addSearchPath(): void {
    const { plan } = this
    const twin = 'feature_twin.feature_side'
    plan.setUp.push('CREATE SCHEMA feature_twin')
    plan.addTable(twin, 'n int NOT NULL', '100')
    plan.earlier.push({ name: twin })
    const writes = writesTo('feature_side', { n: 9 })
    const reads = [readAll(twin), { ...readAll(twin), chain: [['where', 'id', 1]] as const }]
    for (const [enter, leave] of [
      ['SET LOCAL search_path TO feature_twin', 'SELECT 1'],
      ['SET search_path TO feature_twin', 'RESET search_path'],
      ["SELECT set_config('search_path', 'feature_twin', true)", 'SELECT 1'],
    ] as const)
      plan.sessions.push({ writes, reads, enter, leave })
  }

  /**
   * A role that sees fewer rows, and one with a policy that changes a table on reads. Roles belong to the
   * server.
   */
  #addRole(): void {
    const { plan } = this
    const role = `${this.database}_reader`
    const target = plan.target()
    const [hidden, watched] = [plan.addSource('hidden'), plan.addSource('watched')]
    for (const [table, condition] of [
      [hidden, 'id <> 2'],
      [watched, `${this.#poke(target)}() > 0`],
    ] as const)
      plan.setUp.push(
        `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
        `CREATE POLICY feature_rows ON ${table} USING (${condition}) WITH CHECK (true)`,
      )
    plan.setUp.push(`CREATE ROLE ${role}`, `GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`)
    plan.tearDown.push(`DROP OWNED BY ${role}`, `DROP ROLE ${role}`)
    const update: KnexCall = {
      orm: 'knex',
      table: hidden,
      chain: [['update', { v: 8 }]],
      order: 'none',
      isVague: true,
    }
    for (const [enter, leave] of [
      [`SET LOCAL ROLE ${role}`, 'SELECT 1'],
      [`SET ROLE ${role}`, 'RESET ROLE'],
      [`SELECT set_config('role', '${role}', true)`, 'SELECT 1'],
    ] as const) {
      plan.sessions.push({
        writes: [update, readAll(hidden), ...writesTo(hidden, { v: 3 })],
        reads: [readAll(hidden)],
        enter,
        leave,
      })
      plan.sessions.push({ writes: [readAll(watched)], reads: target, enter, leave })
    }
  }
}
