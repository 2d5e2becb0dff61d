const statements: readonly string[] = [
  'SELECT "t0"."id", "t0"."name" FROM "public"."city" AS "t0" WHERE ("t0"."name" ILIKE $1 AND "t0"."region_id" IN ($2,$3)) ORDER BY "t0"."id" ASC LIMIT $4 OFFSET $5',
  'SELECT `main`.`cities`.`id`, `main`.`cities`.`name` FROM `main`.`cities` WHERE (`main`.`cities`.`id` = ? AND 1=1) LIMIT ? OFFSET ?',
  'WITH RECURSIVE up AS (SELECT id, parent FROM node WHERE id = 1 UNION ALL SELECT n.id, n.parent FROM node n JOIN up ON n.id = up.parent) SELECT * FROM up',
  'SELECT a.x, count(*) AS n FROM a LEFT JOIN b USING (k) GROUP BY a.x HAVING count(*) > 2 ORDER BY n DESC, 1 LIMIT 10',
  'SELECT x FROM a WHERE (p, q) < (1, 2) AND NOT EXISTS (SELECT 1 FROM b WHERE b.a = a.x) OR r BETWEEN 3 AND 4',
  "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y') ON CONFLICT (a) DO UPDATE SET b = excluded.b WHERE t.c IS NOT NULL RETURNING *",
  'INSERT INTO t (a, b) SELECT c, d FROM u WHERE e LIKE ? ON DUPLICATE KEY UPDATE b = VALUES(b)',
  'UPDATE t SET a = a + 1, (b, c) = (2, 3) FROM u WHERE t.id = u.id AND u.d = ANY (ARRAY[1, 2])',
  'DELETE FROM t USING u WHERE t.id = u.id AND u.x IS NOT DISTINCT FROM 5',
  "SELECT CASE WHEN a > 1 THEN 'x' ELSE lower(b) END, sum(c) OVER (PARTITION BY d ORDER BY e ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t, LATERAL (SELECT 1) l",
  '(SELECT a FROM t UNION SELECT b FROM u) EXCEPT SELECT c FROM v ORDER BY 1 FETCH FIRST 3 ROWS ONLY',
  "SELECT cast(a AS numeric(10, 2))::text, b->>'k', c COLLATE \"C\", d[1:2] FROM t WHERE e @> '{}' AND f ~~ 'x%'::text FOR UPDATE SKIP LOCKED",
]
const soup: readonly string[] =
  'SELECT FROM WHERE GROUP BY ORDER LIMIT OFFSET UNION ALL WITH RECURSIVE AS JOIN LEFT ON USING AND OR NOT IN IS NULL BETWEEN LIKE EXISTS CASE WHEN THEN ELSE END CAST ANY ARRAY ROW VALUES INSERT INTO UPDATE SET DELETE LATERAL DISTINCT HAVING OVER FILTER FETCH FOR a b t u count ( ( ( ) ) ) , , . * = < > <> <= + - / :: [ ] ? $1 :x 1 \'x\' "q" ; ? || -> ! ~ @ ,'.split(
    ' ',
  )

/**
 * A statement for a seed: words in any order, or a statement that was truncated or changed in a few places.
 */
export function fuzzText(seed: number): string {
  const below = chance(seed)
  const pick = (items: readonly string[]) => items[below(items.length)] ?? ''
  if (seed % 4 === 0) return Array.from({ length: 1 + below(60) }, () => pick(soup)).join(' ')
  const sql = pick(statements)
  if (seed % 4 === 1) return sql.slice(0, below(sql.length + 1))
  const parts = sql.split(/(?<=\W)|(?=\W)/)
  for (let change = below(4); change >= 0; change--) {
    const at = below(parts.length)
    const kind = below(4)
    if (kind === 0) parts.splice(at, 1)
    else if (kind === 1) parts.splice(at, 0, ` ${pick(soup)} `)
    else if (kind === 2) parts.splice(at, 1, ` ${pick(soup)} `)
    else parts.splice(at, 0, ...parts.slice(below(parts.length), at))
  }
  return parts.join('')
}

/** Integers below a limit, the same for the same seed (mulberry32, by Tommy Ettinger). */
function chance(seed: number): (limit: number) => number {
  let state = (seed * 0x9e3779b1) >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit)
  }
}
