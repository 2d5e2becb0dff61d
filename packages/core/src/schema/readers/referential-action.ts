import type { ReferentialAction } from '../catalog-data.ts'

const actions: Readonly<Record<string, ReferentialAction>> = {
  CASCADE: 'Cascade',
  'SET NULL': 'SetNull',
  'SET DEFAULT': 'SetDefault',
  RESTRICT: 'Restrict',
  'NO ACTION': 'NoAction',
}

/** The action of a foreign key as SQL writes it. One that is not known counts as `Cascade`, which reaches furthest. */
export function referentialAction(sql: string): ReferentialAction {
  return actions[sql.toUpperCase()] ?? 'Cascade'
}
