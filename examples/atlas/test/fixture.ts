import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { DatabaseTarget } from '../src/database-target.ts'

export interface Fixture {
  readonly target: DatabaseTarget & { kind: 'sqlite' }
  remove(): void
}

/** An empty place for a SQLite file. */
export function emptyFixture(): Fixture {
  const directory = mkdtempSync(join(tmpdir(), 'atlas-test-'))
  return {
    target: { kind: 'sqlite', file: join(directory, 'atlas.db') },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** The rows of {@link smallFixture}. */
export const SMALL_ROWS = `
    INSERT INTO countries VALUES ('FR', 'France'), ('AD', 'Andorra');
    INSERT INTO regions VALUES (1, 'FR.84', 'Auvergne-Rhône-Alpes', 'FR'), (2, 'FR.11', 'Île-de-France', 'FR'), (3, 'AD.03', 'Encamp', 'AD');
    INSERT INTO districts VALUES (1, 'FR.84.69', 'Rhône', 1);
    INSERT INTO cities VALUES
      (1, 'Lyon', 45.7, 4.8, 'FR', 1, 1),
      (2, 'Annecy', 45.9, 6.1, 'FR', 1, NULL),
      (3, 'Paris', 48.8, 2.3, 'FR', 2, NULL),
      (4, 'Lys', 43.1, -0.3, 'FR', NULL, NULL);
    INSERT INTO users VALUES (1, 'Ada', 'ada@example.org'), (2, 'Ben', 'ben@example.org');
    INSERT INTO reviews VALUES
      (1, 1, 1, 5, 'First', '2024-01-01T00:00:00.000+00:00'),
      (2, 1, 2, 4, 'Second', '2024-01-02T00:00:00.000+00:00'),
      (3, 1, 1, 3, 'Third', '2024-01-02T00:00:00.000+00:00'),
      (4, 3, 2, 1, 'Fourth', '2024-01-03T00:00:00.000+00:00');
  `

/**
 * Two countries, three regions, four cities, two users, four reviews; two of the reviews have the same time.
 */
export function smallFixture(): Fixture {
  const fixture = emptyFixture()
  const database = new Database(fixture.target.file)
  database.exec(readFileSync(join(import.meta.dirname, '../prisma/sqlite.sql'), 'utf8'))
  database.exec(SMALL_ROWS)
  // As the loader leaves its file.
  database.pragma('journal_mode = WAL')
  database.close()
  return fixture
}
