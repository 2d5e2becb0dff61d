import type { Dialect } from './dialect.ts'

export function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/))
}

/** Words that begin a query. */
export const queryStarts: ReadonlySet<string> = words('SELECT WITH VALUES TABLE')

/** Words that can follow `WITH …`, or start the body of a CTE. */
export const queriesAndWrites: ReadonlySet<string> = words(
  'SELECT WITH VALUES TABLE INSERT REPLACE UPDATE DELETE MERGE',
)

/** Words after a table that are not its alias. */
export const notAliases: ReadonlySet<string> = words(`
  JOIN LEFT RIGHT INNER FULL CROSS NATURAL OUTER ON USING TABLESAMPLE STRAIGHT_JOIN USE FORCE IGNORE INDEXED NOT PARTITION WITH WHEN
  WHERE GROUP HAVING ORDER LIMIT UNION EXCEPT SET VALUES INTERSECT OFFSET FETCH FOR WINDOW RETURNING PROCEDURE LOCK INTO SELECT DEFAULT
  OVERRIDING VALUE`)

/** Words that are never the name of a table unless quoted. */
export const notTables: ReadonlySet<string> = words(`
  SELECT FROM WHERE GROUP HAVING ORDER LIMIT UNION EXCEPT SET VALUES JOIN ON USING AND OR NOT IN IS NULL AS INTO CASE WHEN THEN ELSE
  CREATE TABLE DISTINCT ALL EXISTS`)

const neverFunctions = `
  IN AND OR NOT AS ON USING VALUES EXISTS ALL WHEN THEN ELSE CASE FROM WHERE SELECT WITH SET INTO JOIN UNION INTERSECT EXCEPT HAVING
  LIMIT RETURNING DISTINCT BETWEEN LIKE IS GROUP ORDER BY TABLE ESCAPE TO`

/** Words before a parenthesis that are not calls. */
export const notFunctions: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  postgresql:
    words(`${neverFunctions} ANY SOME ILIKE SIMILAR ARRAY ROW LATERAL ONLY OFFSET FETCH WINDOW SETS ROLLUP CUBE MATERIALIZED
    COLUMNS CONFLICT VARYING`),
  sqlite: words(`${neverFunctions} MATERIALIZED CONFLICT`),
  mysql: words(
    `${neverFunctions} ANY SOME ROW LATERAL OFFSET WINDOW RLIKE DIV XOR BINARY MATCH AGAINST OF VALUE COLUMNS PARTITION`,
  ),
}

/** Words after a closing parenthesis that continue the call before it. */
export const callSuffixes: ReadonlySet<string> = words('OVER FILTER WITHIN GROUP')

/** Words that a shape separates from a following parenthesis, and that keep their quotes as names. */
export const shapeKeywords: ReadonlySet<string> = words(`
  ${neverFunctions} ANY SOME ILIKE ARRAY ROW LATERAL ONLY OFFSET FETCH OVER FILTER MATERIALIZED CONFLICT KEY UPDATE DELETE INSERT END
  ASC DESC FOR DEFAULT CHECK PRIMARY REFERENCES UNIQUE INNER LEFT RIGHT FULL CROSS NATURAL NULL TRUE FALSE CREATE RECURSIVE DO`)
