/** Rows that always exist, and have many concurrent writers. */
const STABLE = 40
const GROUPS = 8
/** Rows that are inserted and deleted, and change their keys. */
const FLEETING_FROM = 101
const FLEETING = 16

export const stableIds: readonly number[] = Array.from({ length: STABLE }, (_, index) => index + 1)
export const fleetingIds: readonly number[] = Array.from(
  { length: FLEETING },
  (_, index) => FLEETING_FROM + index,
)
export const groupIds: readonly number[] = Array.from({ length: GROUPS }, (_, index) => index + 1)

export const itemRow = (id: number): string => `item ${id}`
export const groupRow = (id: number): string => `group ${id}`
export const codeOf = (id: number): string => `code-${id}`
export const groupOf = (id: number): number => (id % GROUPS) + 1

export function itemsOf(group: number, ids: readonly number[] = [...stableIds, ...fleetingIds]): number[] {
  return ids.filter((id) => groupOf(id) === group)
}

/** Fills the tables. */
export const SEED_SQL = `
  INSERT INTO groups (id, v) SELECT id, 0 FROM generate_series(1, ${GROUPS}) AS id;
  INSERT INTO items (id, code, v, group_id) SELECT id, 'code-' || id, 0, id % ${GROUPS} + 1 FROM generate_series(1, ${STABLE}) AS id;
`
