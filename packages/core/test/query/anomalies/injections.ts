import type { Dialect } from '@sluice/core'

/** Where an app inserts its values into a statement. */
const inString = (payload: string) =>
  `SELECT id, name FROM users WHERE name = '${payload}' AND password = 'secret'`
const inNumber = (payload: string) =>
  `SELECT id, name FROM users WHERE id = ${payload} AND active = 1 ORDER BY name`
const inParentheses = (payload: string) =>
  `SELECT id, name FROM users WHERE (name = '${payload}') AND (active = 1)`

/** Payloads of published cheat sheets and scanners that every database can parse. */
const everywhere: readonly string[] = [
  ...[
    "' OR '1'='1",
    "' OR 'a'='a",
    "' OR 1=1 -- ",
    "' OR 1=1 OR ''='",
    "' OR ''='",
    "' OR 'x'='x' -- ",
    "' OR 2>1 -- ",
    "' OR 1 -- ",
    "' OR TRUE -- ",
    "' OR NOT 1=2 -- ",
    "' OR 1 IN (1) -- ",
    "' OR 5 BETWEEN 1 AND 9 -- ",
    "' OR name = name -- ",
    "' OR name LIKE '%",
    "' OR EXISTS (SELECT 1) -- ",
    "' OR 'abc' LIKE 'a%' -- ",
    "' OR 1 IS NOT NULL -- ",
    "admin' -- ",
    "admin'/* hidden */ OR '1'='1",
    "' AND '1'='1",
    "' AND '1'='2",
    "' UNION SELECT 1, 2 -- ",
    "' UNION SELECT NULL, NULL -- ",
    "' UNION ALL SELECT NULL, 'a' WHERE '1'='1",
    "' UNION SELECT name, password FROM users -- ",
    "'; DROP TABLE users; -- ",
    "'; DELETE FROM users WHERE 'a' = 'a",
    "'; UPDATE users SET admin = 1 -- ",
    "'; INSERT INTO users (name) VALUES ('mallory') -- ",
  ].map(inString),
  ...[
    '1 OR 1=1',
    '1 OR 1=1 -- ',
    '-1 OR 17 = 17',
    '1 OR TRUE',
    '1 OR id = id',
    '1 AND 7=7',
    '1 AND 1=2',
    '-1 UNION SELECT name, password FROM users WHERE id > 0',
    '1 UNION ALL SELECT 1, 2',
    '1 UNION/**/SELECT/**/NULL,NULL',
    '1; DROP TABLE users',
    '1 -- ',
    '(SELECT 1) OR (1=1)',
  ].map(inNumber),
  ...["') OR ('1'='1", "') OR 1=1 -- ", "x') UNION SELECT 1, 2 -- "].map(inParentheses),
]

const own: Readonly<Record<Dialect, readonly string[]>> = {
  postgresql: [
    ...[
      "'; SELECT pg_sleep(10) -- ",
      "' AND 1 = (SELECT 1 FROM pg_sleep(5)) AND 'x' LIKE 'x",
      "' UNION SELECT version(), NULL -- ",
      "' UNION SELECT table_name, table_schema FROM information_schema.tables -- ",
      "' UNION SELECT usename, passwd FROM pg_shadow -- ",
      "'; COPY users TO PROGRAM 'id' -- ",
      "' AND pg_read_file('/etc/passwd') <> '",
      "'; SELECT lo_import('/etc/passwd') -- ",
      "admin'--",
    ].map(inString),
    inNumber('1 || pg_sleep(5)'),
    inNumber('(CASE WHEN 1=1 THEN pg_sleep(3) ELSE NULL END)'),
  ],
  mysql: [
    ...[
      "admin'#",
      "' OR 1=1#",
      "' || '1'='1",
      "' || 1=1#",
      "' AND SLEEP(5) AND 'x' LIKE 'x",
      "' OR BENCHMARK(10000000, MD5('x')) OR 'x' LIKE 'y",
      "' UNION SELECT @@version, NULL#",
      "' UNION SELECT user(), database()#",
      "' UNION SELECT User, Password FROM mysql.user#",
      "' UNION SELECT NULL, LOAD_FILE('/etc/passwd')#",
      "' UNION SELECT 1, '<?php ?>' INTO OUTFILE '/var/www/x.php'#",
      "' AND EXTRACTVALUE(1, CONCAT(0x7e, VERSION())) AND 'x' LIKE 'x",
      "' AND UPDATEXML(1, CONCAT(0x7e, USER()), 1) AND 'x' LIKE 'x",
      "'='",
      '\\',
    ].map(inString),
    inNumber('1 /*!50000UNION*/ /*!50000SELECT*/ 1, 2'),
    inNumber('1 AND (SELECT 1 FROM (SELECT SLEEP(5)) x)'),
    inNumber("1 OR 'a' RLIKE 'a'"),
  ],
  sqlite: [
    ...[
      "' UNION SELECT name, sql FROM sqlite_master -- ",
      "' UNION SELECT sqlite_version(), NULL -- ",
      "' AND 1 = LIKE('ABCDEFG', UPPER(HEX(RANDOMBLOB(500000000 / 2)))) AND 'x' LIKE 'x",
      "' AND load_extension('/tmp/evil') AND 'x' LIKE 'x",
      "'; ATTACH DATABASE '/var/www/x.php' AS x -- ",
      "admin'--",
      "admin' /*",
      "'",
    ].map(inString),
    inNumber("1 OR '1' GLOB '1' OR 1"),
  ],
}

/** Statements that contain a payload. */
export function injections(dialect: Dialect): readonly string[] {
  return [...everywhere, ...own[dialect]]
}
