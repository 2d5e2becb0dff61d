import type { Dialect } from '@sluice/core'

const sqlite = `
  CREATE TABLE region (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
  CREATE TABLE city (
    id INTEGER PRIMARY KEY,
    region_id INTEGER NOT NULL REFERENCES region (id) ON DELETE CASCADE,
    name TEXT COLLATE NOCASE NOT NULL,
    code varchar(8) UNIQUE,
    population INTEGER,
    deleted_at TEXT,
    label TEXT GENERATED ALWAYS AS (name || '!') VIRTUAL
  );
  CREATE INDEX city_plain ON city (region_id, population DESC);
  CREATE INDEX city_binary ON city (name COLLATE BINARY);
  CREATE INDEX city_own ON city (name);
  CREATE INDEX city_lower ON city (lower(name), code COLLATE NOCASE DESC);
  CREATE INDEX city_partial ON city (region_id) WHERE deleted_at IS NULL AND code <> 'a;b';
  CREATE TABLE tagged (city_id INTEGER, tag TEXT, PRIMARY KEY (city_id, tag)) WITHOUT ROWID;
  CREATE VIEW big_city AS SELECT id, name FROM city WHERE population > 1000;
  CREATE VIEW named_city (key, label) AS SELECT id, name FROM city;
  CREATE VIRTUAL TABLE words USING fts5(body);
  WITH RECURSIVE n (v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 10) INSERT INTO region SELECT v, 'region ' || v FROM n;
`

const postgresql = `
  CREATE EXTENSION pg_trgm;
  CREATE TABLE region (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE city (
    id integer PRIMARY KEY,
    region_id integer NOT NULL REFERENCES region (id) ON DELETE CASCADE,
    name text NOT NULL,
    code varchar(8) COLLATE "C" UNIQUE,
    population integer,
    deleted_at timestamptz,
    tags text[] NOT NULL DEFAULT '{}',
    label text GENERATED ALWAYS AS (name || '!') STORED,
    EXCLUDE USING gist (box(point(id, id), point(id, id)) WITH &&)
  );
  CREATE INDEX city_plain ON city (region_id, population DESC);
  CREATE INDEX city_nulls ON city (population NULLS FIRST, region_id DESC NULLS LAST);
  CREATE INDEX city_lower ON city (lower(name), code);
  CREATE INDEX city_pattern ON city (name text_pattern_ops);
  CREATE INDEX city_collated ON city (name COLLATE "POSIX");
  CREATE INDEX city_partial ON city (region_id) WHERE deleted_at IS NULL;
  CREATE INDEX city_covering ON city (region_id) INCLUDE (name, population);
  CREATE INDEX city_hash ON city USING hash (name);
  CREATE INDEX city_trigrams ON city USING gin (name gin_trgm_ops);
  CREATE INDEX city_tags ON city USING gin (tags);
  CREATE INDEX city_brin ON city USING brin (id);
  CREATE TABLE visit (id integer NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
  CREATE TABLE visit_2025 PARTITION OF visit FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE TABLE visit_2026 PARTITION OF visit FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE INDEX visit_at ON visit (at);
  CREATE VIEW big_city AS SELECT id, name FROM city WHERE population > 1000;
  CREATE MATERIALIZED VIEW city_count AS SELECT region_id, count(*) AS cities FROM city GROUP BY region_id;
  INSERT INTO region SELECT n, 'region ' || n FROM generate_series(1, 10) n;
`

const mysql = `
  CREATE TABLE region (id int PRIMARY KEY, name varchar(80) NOT NULL);
  CREATE TABLE city (
    id int PRIMARY KEY,
    region_id int NOT NULL,
    name varchar(200) NOT NULL,
    code varchar(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin UNIQUE,
    population int,
    deleted_at datetime,
    body text NOT NULL,
    label varchar(201) GENERATED ALWAYS AS (concat(name, '!')) VIRTUAL,
    place point NOT NULL,
    CONSTRAINT city_region FOREIGN KEY (region_id) REFERENCES region (id) ON DELETE CASCADE,
    INDEX city_plain (region_id, population),
    INDEX city_order (population DESC),
    INDEX city_prefix (body(20)),
    INDEX city_ignored (deleted_at) IGNORED,
    FULLTEXT INDEX city_text (name, body),
    SPATIAL INDEX city_place (place)
  );
  CREATE TABLE visit (id int NOT NULL, at date NOT NULL) PARTITION BY RANGE (year(at)) (
    PARTITION before_2026 VALUES LESS THAN (2026),
    PARTITION later VALUES LESS THAN MAXVALUE
  );
  CREATE VIEW big_city AS SELECT id, name FROM city WHERE population > 1000;
  INSERT INTO region SELECT seq, concat('region ', seq) FROM seq_1_to_10;
`

/** One schema in each dialect, with every kind of index that it supports. */
export const inspectedSchemas: Readonly<Record<Dialect, string>> = { sqlite, postgresql, mysql }

/**
 * 2,000 cities, 1 to 2,000: of ten regions, the first with half of them, and 10% deleted; populations from 0
 * to 99, evenly distributed; and codes for half.
 */
export const cities: Readonly<Record<Dialect, string>> = {
  sqlite: `
    WITH RECURSIVE n (v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 2000)
    INSERT INTO city (id, region_id, name, code, population, deleted_at)
    SELECT v, CASE WHEN v % 2 = 0 THEN 1 ELSE v % 9 + 2 END, 'city ' || v, CASE WHEN v % 2 = 0 THEN 'c' || v END, v % 100,
      CASE WHEN v % 10 = 0 THEN '2026-01-01' END FROM n`,
  postgresql: `
    INSERT INTO city (id, region_id, name, code, population, deleted_at)
    SELECT v, CASE WHEN v % 2 = 0 THEN 1 ELSE v % 9 + 2 END, 'city ' || v, CASE WHEN v % 2 = 0 THEN 'c' || v END, v % 100,
      CASE WHEN v % 10 = 0 THEN timestamptz '2026-01-01' END FROM generate_series(1, 2000) v`,
  mysql: `
    INSERT INTO city (id, region_id, name, code, population, deleted_at, body, place)
    SELECT seq, CASE WHEN seq % 2 = 0 THEN 1 ELSE seq % 9 + 2 END, concat('city ', seq), CASE WHEN seq % 2 = 0 THEN concat('c', seq) END,
      seq % 100, CASE WHEN seq % 10 = 0 THEN '2026-01-01' END, concat('body of ', seq), point(seq, seq) FROM seq_1_to_2000`,
}
