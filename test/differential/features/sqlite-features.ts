import { type FeaturePlan, readAll, type Target, writesTo } from './feature-plan.ts'

/** Triggers, including temporary ones, views with triggers for writes, and computed columns. */
export function planSqlite(plan: FeaturePlan): void {
  addTriggers(plan)
  addViews(plan)
  addDefinitions(plan)
}

function addTriggers(plan: FeaturePlan): void {
  const { source, model, at } = plan.source()
  const target = plan.target(at)
  for (const event of ['INSERT', 'UPDATE', 'DELETE'])
    plan.setUp.push(
      `CREATE TRIGGER feature_${event} AFTER ${event} ON "${source.table}" BEGIN ${plan.bump(target)}; END`,
    )
  plan.links.push({ writes: model, reads: target })
  const own = plan.source()
  for (const event of ['INSERT', 'UPDATE'])
    plan.setUp.push(
      `CREATE TRIGGER feature_own_${event} AFTER ${event} ON "${own.source.table}" BEGIN UPDATE "${own.source.table}" SET ${plan.assignment(own.source)} WHERE rowid = NEW.rowid; END`,
    )
  plan.links.push({ writes: own.model, reads: own.source })
  const table = plan.addSource('row')
  const written = plan.target()
  plan.setUp.push(
    `CREATE TRIGGER feature_row_written AFTER INSERT ON ${table} BEGIN ${plan.bump(written)}; END`,
  )
  plan.links.push({ writes: writesTo(table, { v: 3 }), reads: written })
  const computed = plan.addSource('computed', 'v int', '1', 'id, v')
  plan.setUp.push(`ALTER TABLE ${computed} ADD COLUMN twice int AS (v * 2) VIRTUAL`)
  plan.links.push({ writes: writesTo(computed, { v: 3 }), reads: [readAll(computed)] })
}

function addViews(plan: FeaturePlan): void {
  const target = plan.target()
  plan.setUp.push('CREATE VIEW feature_editable AS SELECT id, n FROM feature_side')
  plan.setUp.push(
    'CREATE TRIGGER feature_edit INSTEAD OF INSERT ON feature_editable BEGIN INSERT INTO feature_side VALUES (new.id, new.n); END',
  )
  plan.setUp.push(`CREATE VIEW feature_digest AS ${plan.digest(target).replace(' FROM', ' AS x FROM')}`)
  plan.links.push({ writes: writesTo('feature_editable', { n: 4 }), reads: plan.targets[0] as Target })
  plan.links.push({
    writes: target.model ?? writesTo('feature_side', { n: 5 }),
    reads: [readAll('feature_digest')],
  })
}

function addDefinitions(plan: FeaturePlan): void {
  for (const name of ['raw', 'other', 'temporary'] as const) {
    const { source, model, at } = plan.source()
    const target = plan.target(at)
    const kind = name === 'temporary' ? 'TEMPORARY TRIGGER' : 'TRIGGER'
    // A temporary trigger exists only on the connection of Knex.
    const create = `CREATE ${kind} feature_${name} AFTER UPDATE ON "${source.table}" BEGIN ${plan.bump(target)}; END`
    plan.definitions.push({
      writes: model,
      reads: target,
      isShared: true,
      define:
        name === 'temporary'
          ? { orm: 'knex', chain: [['raw', create]], order: 'none', isVague: true }
          : create,
      undo: `DROP TRIGGER IF EXISTS feature_${name}`,
    })
  }
  const { source, model } = plan.source()
  plan.definitions.push({
    writes: model,
    reads: source,
    isShared: true,
    define: `ALTER TABLE "${source.table}" ADD COLUMN feature_extra int DEFAULT 7`,
    undo: `ALTER TABLE "${source.table}" DROP COLUMN feature_extra`,
  })
}
