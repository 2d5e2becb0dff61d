import type { Dialect } from '@sluice/core'

const sqlite = `
  CREATE TABLE country (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE city (
    id integer PRIMARY KEY,
    name varchar(80) NOT NULL,
    country_id integer REFERENCES country ON DELETE SET NULL ON UPDATE CASCADE,
    area decimal(10, 2),
    founded datetime,
    slug text UNIQUE,
    population integer,
    UNIQUE (country_id, name)
  );
  CREATE INDEX city_population ON city (population);
  CREATE UNIQUE INDEX city_partial ON city (population) WHERE population > 5;
  CREATE UNIQUE INDEX city_expression ON city (lower(name));
  CREATE VIEW city_view AS SELECT id, name FROM city;
  CREATE TABLE tag (id integer PRIMARY KEY, name text);
  CREATE TABLE city_tag (
    city_id integer REFERENCES city (id) ON DELETE CASCADE,
    tag_id integer REFERENCES tag (id) ON DELETE CASCADE,
    PRIMARY KEY (city_id, tag_id)
  ) WITHOUT ROWID;
  CREATE TABLE place (code text, region text, name text, PRIMARY KEY (region, code));
  CREATE TABLE visit (
    id integer PRIMARY KEY,
    place_code text,
    place_region text,
    FOREIGN KEY (place_code, place_region) REFERENCES place (code, region) ON DELETE CASCADE ON UPDATE CASCADE
  );
  CREATE TABLE employee (id integer PRIMARY KEY, manager_id integer REFERENCES employee (id) ON DELETE SET NULL);
  CREATE TABLE "Order Line" ("Line Id" integer PRIMARY KEY, "cityId" integer REFERENCES city (id) ON DELETE RESTRICT);
  CREATE TABLE audit (note text);
  CREATE TRIGGER tag_audit AFTER INSERT ON tag BEGIN INSERT INTO audit VALUES (new.name); END;
  CREATE VIRTUAL TABLE words USING fts5(body);
`

const postgresql = `
  CREATE TABLE country (id serial PRIMARY KEY, name text NOT NULL);
  CREATE TABLE city (
    id serial PRIMARY KEY,
    name varchar(80) NOT NULL,
    country_id integer REFERENCES country ON DELETE SET NULL ON UPDATE CASCADE,
    area numeric(10, 2),
    founded timestamptz,
    slug text UNIQUE,
    population integer,
    UNIQUE (country_id, name) INCLUDE (slug)
  );
  CREATE INDEX city_population ON city (population);
  CREATE UNIQUE INDEX city_partial ON city (population) WHERE population > 5;
  CREATE UNIQUE INDEX city_expression ON city (lower(name));
  ALTER TABLE city ADD CONSTRAINT city_deferred UNIQUE (area) DEFERRABLE;
  CREATE VIEW city_view AS SELECT id, name FROM city;
  CREATE TABLE tag (id serial PRIMARY KEY, name text);
  CREATE TABLE city_tag (
    city_id integer REFERENCES city (id) ON DELETE CASCADE,
    tag_id integer REFERENCES tag (id) ON DELETE CASCADE,
    PRIMARY KEY (city_id, tag_id)
  );
  CREATE TABLE place (code text, region text, name text, PRIMARY KEY (region, code));
  CREATE TABLE visit (
    id serial PRIMARY KEY,
    place_code text,
    place_region text,
    FOREIGN KEY (place_code, place_region) REFERENCES place (code, region) ON DELETE CASCADE ON UPDATE CASCADE
  );
  CREATE TABLE employee (id serial PRIMARY KEY, manager_id integer REFERENCES employee (id) ON DELETE SET NULL);
  CREATE TABLE "Order Line" ("Line Id" serial PRIMARY KEY, "cityId" integer REFERENCES city (id) ON DELETE RESTRICT);
  CREATE TABLE audit (note text);
  CREATE FUNCTION tag_audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (new.name); RETURN new; END $$;
  CREATE TRIGGER tag_audit AFTER INSERT ON tag FOR EACH ROW EXECUTE FUNCTION tag_audit();

  CREATE TABLE "City" ("Id" integer PRIMARY KEY);
  CREATE SCHEMA geo;
  CREATE TABLE geo.area (id serial PRIMARY KEY, city_id integer REFERENCES city ON DELETE CASCADE);
  CREATE MATERIALIZED VIEW geo.city_totals AS SELECT country_id, count(*) FROM city GROUP BY country_id;
  CREATE TABLE measurement (at date NOT NULL, value integer) PARTITION BY RANGE (at);
  CREATE TABLE measurement_2026 PARTITION OF measurement FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE TABLE node (id integer);
  CREATE TABLE node_leaf (leaf text) INHERITS (node);
  CREATE TABLE secret (id integer);
  ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
  CREATE TABLE ruled (id integer);
  CREATE RULE ruled_insert AS ON INSERT TO ruled DO ALSO INSERT INTO audit VALUES ('ruled');
  CREATE TEMPORARY TABLE passing (id integer);
`

const mysql = `
  CREATE TABLE country (id int AUTO_INCREMENT PRIMARY KEY, name text NOT NULL);
  CREATE TABLE city (
    id int AUTO_INCREMENT PRIMARY KEY,
    name varchar(80) NOT NULL,
    country_id int,
    area decimal(10, 2),
    founded datetime,
    slug varchar(80) UNIQUE,
    population int,
    UNIQUE (country_id, name),
    INDEX (population),
    FOREIGN KEY (country_id) REFERENCES country (id) ON DELETE SET NULL ON UPDATE CASCADE
  );
  CREATE VIEW city_view AS SELECT id, name FROM city;
  CREATE TABLE tag (id int AUTO_INCREMENT PRIMARY KEY, name varchar(80));
  CREATE TABLE city_tag (
    city_id int,
    tag_id int,
    PRIMARY KEY (city_id, tag_id),
    FOREIGN KEY (city_id) REFERENCES city (id) ON DELETE CASCADE,
    FOREIGN KEY (tag_id) REFERENCES tag (id) ON DELETE CASCADE
  );
  CREATE TABLE place (code varchar(20), region varchar(20), name text, PRIMARY KEY (region, code), INDEX (code, region));
  CREATE TABLE visit (
    id int AUTO_INCREMENT PRIMARY KEY,
    place_code varchar(20),
    place_region varchar(20),
    FOREIGN KEY (place_code, place_region) REFERENCES place (code, region) ON DELETE CASCADE ON UPDATE CASCADE
  );
  CREATE TABLE employee (
    id int AUTO_INCREMENT PRIMARY KEY,
    manager_id int,
    FOREIGN KEY (manager_id) REFERENCES employee (id) ON DELETE SET NULL
  );
  CREATE TABLE \`Order Line\` (
    \`Line Id\` int AUTO_INCREMENT PRIMARY KEY,
    \`cityId\` int,
    FOREIGN KEY (\`cityId\`) REFERENCES city (id) ON DELETE RESTRICT ON UPDATE NO ACTION
  );
  CREATE TABLE audit (note text);
  CREATE TRIGGER tag_audit AFTER INSERT ON tag FOR EACH ROW BEGIN INSERT INTO audit VALUES (new.name); END;
  CREATE SEQUENCE numbers;
`

/** One schema in each dialect, with everything that a catalog reader must distinguish. */
export const catalogSchemas: Readonly<Record<Dialect, string>> = { sqlite, postgresql, mysql }
