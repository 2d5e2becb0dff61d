import { type FeaturePlan, rawWrite, readAll, selectRaw, type Target, writesTo } from './feature-plan.ts'

const SIDE_WRITES = writesTo('feature_side', { n: 5 })

/** Triggers, functions, procedures that define, views, computed columns and a second database. */
export function planMysql(plan: FeaturePlan, database: string): void {
  addTriggers(plan)
  addFunctions(plan)
  addViews(plan)
  addDefinitions(plan)
  addTwin(plan, database)
}

/** A trigger that changes another table, and one that only changes the row that fires it. */
function addTriggers(plan: FeaturePlan): void {
  const { source, model, at } = plan.source()
  const target = plan.target(at)
  for (const event of ['INSERT', 'UPDATE', 'DELETE'])
    plan.setUp.push(
      `CREATE TRIGGER feature_${event} AFTER ${event} ON \`${source.table}\` FOR EACH ROW ${plan.bump(target)}`,
    )
  plan.links.push({ writes: model, reads: target })
  const own = plan.source()
  for (const event of ['INSERT', 'UPDATE'])
    plan.setUp.push(
      `CREATE TRIGGER feature_row_${event} BEFORE ${event} ON \`${own.source.table}\` FOR EACH ROW SET ${plan.assignment(own.source, 'NEW.')}`,
    )
  plan.links.push({ writes: own.model, reads: own.source })
}

function addFunctions(plan: FeaturePlan): void {
  const [written, read] = [plan.target(), plan.target()]
  const table = plan.addSource('row', 'v int, twice int AS (v * 2) VIRTUAL', '1, DEFAULT', 'id, v')
  plan.setUp.push(
    `CREATE FUNCTION poke() RETURNS int MODIFIES SQL DATA BEGIN ${plan.bump(written)}; RETURN 1; END`,
  )
  plan.setUp.push(`CREATE FUNCTION peek() RETURNS int READS SQL DATA RETURN (${plan.digest(read)})`)
  plan.links.push({ writes: [rawWrite('SELECT poke()')], reads: written })
  plan.links.push({ writes: read.model ?? SIDE_WRITES, reads: [selectRaw(table, 'peek() as x')] })
  plan.links.push({ writes: writesTo(table, { v: 3 }), reads: [readAll(table)] })
}

function addViews(plan: FeaturePlan): void {
  const target = plan.target()
  plan.setUp.push('CREATE VIEW feature_editable AS SELECT id, n FROM feature_side')
  plan.setUp.push(`CREATE VIEW feature_digest AS ${plan.digest(target)}`)
  plan.links.push({ writes: writesTo('feature_editable', { n: 4 }), reads: plan.targets[0] as Target })
  const written = plan.target()
  plan.setUp.push(
    `CREATE FUNCTION poke_in_view() RETURNS int MODIFIES SQL DATA BEGIN ${plan.bump(written)}; RETURN 1; END`,
  )
  plan.setUp.push('CREATE VIEW feature_called AS SELECT poke_in_view() AS x')
  plan.links.push({ writes: [{ ...readAll('feature_called'), isVague: true }], reads: written })
  plan.links.push({ writes: target.model ?? SIDE_WRITES, reads: [readAll('feature_digest')] })
}

function addDefinitions(plan: FeaturePlan): void {
  for (const name of ['raw', 'text', 'procedure'] as const) {
    const { source, model, at } = plan.source()
    const target = plan.target(at)
    const create = `CREATE TRIGGER feature_${name} AFTER UPDATE ON \`${source.table}\` FOR EACH ROW ${plan.bump(target)}`
    const link = {
      writes: model,
      reads: target,
      undo: `DROP TRIGGER IF EXISTS feature_${name}`,
      isShared: true,
    }
    if (name === 'raw') plan.definitions.push({ ...link, define: create })
    if (name === 'text') plan.definitions.push({ ...link, define: `EXECUTE IMMEDIATE "${create}"` })
    if (name === 'procedure') {
      plan.setUp.push(`CREATE PROCEDURE define_trigger() EXECUTE IMMEDIATE "${create}"`)
      plan.definitions.push({ ...link, define: 'CALL define_trigger()' })
    }
  }
  const { source, model } = plan.source()
  plan.definitions.push({
    writes: model,
    reads: source,
    isShared: false,
    define: `ALTER TABLE \`${source.table}\` ADD COLUMN feature_extra int DEFAULT 7`,
    undo: `ALTER TABLE \`${source.table}\` DROP COLUMN IF EXISTS feature_extra`,
  })
  plan.defineCascade()
  const target = plan.target()
  plan.addSource('swap')
  plan.setUp.push(
    `CREATE PROCEDURE swap_table() BEGIN RENAME TABLE feature_swap TO feature_swap_was; CREATE VIEW feature_swap AS ${plan.digest(target)}; END`,
    `CREATE PROCEDURE swap_back() BEGIN DROP VIEW IF EXISTS feature_swap; RENAME TABLE IF EXISTS feature_swap_was TO feature_swap; END`,
  )
  plan.definitions.push({
    writes: target.model ?? SIDE_WRITES,
    reads: [readAll('feature_swap')],
    isShared: false,
    define: 'CALL swap_table()',
    undo: 'CALL swap_back()',
  })
}

function addTwin(plan: FeaturePlan, database: string): void {
  const twin = `${database}_twin`
  plan.setUp.push(`CREATE DATABASE ${twin}`)
  plan.tearDown.push(`DROP DATABASE ${twin}`)
  plan.addTable(`${twin}.feature_side`, 'n int NOT NULL', '100')
  plan.earlier.push({ name: `${twin}.feature_side` })
  plan.sessions.push({
    writes: writesTo('feature_side', { n: 9 }),
    reads: [readAll(`${twin}.feature_side`)],
    enter: `USE ${twin}`,
    leave: `USE ${database}`,
  })
}
