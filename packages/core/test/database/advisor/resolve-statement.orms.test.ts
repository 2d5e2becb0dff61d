import { describe, expect, it } from 'vitest'
import { resolveStatement } from '../../../src/database/advisor/resolve-statement.ts'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { readQueryTree } from '../../../src/sql/tree/read-sql.ts'
import { testSnapshot } from '../test-snapshot.ts'
import { roleText, useTexts } from './use-text.ts'

const tables = {
  cities:
    'id integer!, name text, latitude real, longitude real, country_code text, region_id integer, district_id integer',
  regions: 'id integer!, code text, name text, country_code text',
  reviews: 'id integer!, city_id integer, user_id integer, rating integer, body text, created_at timestamp',
  users: 'id integer!, name text, email text',
  posts:
    'id integer!, slug text, title text, views integer, price numeric, created_at timestamp, author_id integer, editor_id integer',
  comments: 'id integer!, body text, score integer, post_id integer, author_id integer, parent_id integer',
  _PostToTag: 'A integer!, B integer!',
  Tag: 'id integer!, label text',
  Employee: 'id integer!, name text, grade integer, manager_id integer, mentor_id integer',
  Organization: 'id integer!, name text',
  memberships: 'org_id integer!, user_id integer!',
  typed: 'id integer!, city text, few integer',
}

function read(sql: string, dialect: Dialect) {
  return resolveStatement(readQueryTree(sql, dialect), testSnapshot(dialect, tables))
}

/** As sent by Prisma 7 and Knex, with shorter column lists. */
describe('resolveStatement for statements of Prisma', () => {
  it.each<[Dialect, string, string[], string[]]>([
    [
      'sqlite',
      "SELECT `main`.`cities`.`id`, `main`.`cities`.`name` FROM `main`.`cities` WHERE `main`.`cities`.`name` LIKE (? || '%') ORDER BY `main`.`cities`.`name` ASC, `main`.`cities`.`id` ASC LIMIT ? OFFSET ?",
      ['cities; name like #0%; order name, id; limited'],
      ['cities.name like in _%', 'limit', 'offset'],
    ],
    [
      'sqlite',
      'SELECT `main`.`cities`.`id` FROM `main`.`cities` WHERE `main`.`cities`.`region_id` = ? ORDER BY `main`.`cities`.`name` ASC, `main`.`cities`.`id` ASC LIMIT ? OFFSET ?',
      ['cities; region_id = #0; order name, id; limited'],
      ['cities.region_id =', 'limit', 'offset'],
    ],
    [
      'sqlite',
      'SELECT COUNT(*) AS `_count$_all` FROM (SELECT `main`.`cities`.`id` FROM `main`.`cities` WHERE `main`.`cities`.`region_id` = ? LIMIT ? OFFSET ?) AS `sub`',
      ['cities; region_id = #0; limited'],
      ['cities.region_id =', 'limit', 'offset'],
    ],
    [
      'sqlite',
      'SELECT `main`.`users`.`id` FROM `main`.`users` WHERE `main`.`users`.`id` IN (?,?,?) LIMIT ? OFFSET ?',
      ['users; id in #0, #1, #2; limited'],
      ['users.id in', 'users.id in', 'users.id in', 'limit', 'offset'],
    ],
    [
      'sqlite',
      'INSERT INTO `main`.`reviews` (`city_id`, `rating`) VALUES (?,?) RETURNING `id` AS `id`, `city_id` AS `city_id`',
      [],
      ['reviews.city_id written', 'reviews.rating written'],
    ],
    [
      'postgresql',
      'SELECT "public"."posts"."id" FROM "public"."posts" WHERE "public"."posts"."author_id" IN ($1,$2) ORDER BY "public"."posts"."views" DESC, "public"."posts"."id" DESC LIMIT $3 OFFSET $4',
      ['posts; author_id in #0, #1; order views desc, id desc; limited'],
      ['posts.author_id in', 'posts.author_id in', 'limit', 'offset'],
    ],
    [
      'postgresql',
      'SELECT "public"."comments"."id", COALESCE("aggr"."_aggr_count_replies", 0) AS "_aggr_count_replies" FROM "public"."comments" LEFT JOIN (SELECT "public"."comments"."parent_id", COUNT(*) AS "_aggr_count_replies" FROM "public"."comments" WHERE 1=1 GROUP BY "public"."comments"."parent_id") AS "aggr" ON ("public"."comments"."id" = "aggr"."parent_id") WHERE "public"."comments"."id" = $1 LIMIT $2 OFFSET $3',
      ['comments; id = #0 & id -> comments.parent_id; limited', 'comments; group parent_id'],
      ['comments.id =', 'limit', 'offset'],
    ],
    [
      'postgresql',
      'SELECT "public"."Employee"."id" FROM "public"."Employee" LEFT JOIN "public"."Employee" AS "j1" ON ("j1"."id") = ("public"."Employee"."manager_id") WHERE (("public"."Employee"."manager_id" <> $1 AND ("j1"."name" <> $2 AND ("j1"."id" IS NOT NULL)) AND ((NOT "j1"."name" = $3) OR ("j1"."id" IS NULL))) AND "public"."Employee"."id" IN ($4,$5)) OFFSET $6',
      [
        'Employee; manager_id <> #0 & id in #3, #4 & manager_id -> j1.id',
        'Employee j1; name <> #1 & id is not null & id -> Employee.manager_id; (name <> #2 | id is null)',
      ],
      [
        'Employee.manager_id <>',
        'Employee.name <>',
        'Employee.name <>',
        'Employee.id in',
        'Employee.id in',
        'offset',
      ],
    ],
    [
      'postgresql',
      'SELECT "public"."posts"."id" FROM "public"."posts" WHERE EXISTS(SELECT "t0"."A" FROM "public"."_PostToTag" AS "t0" INNER JOIN "public"."Tag" AS "j0" ON ("j0"."id") = ("t0"."B") WHERE (("j0"."label") = $1 AND ("public"."posts"."id") = ("t0"."A") AND "t0"."A" IS NOT NULL)) OFFSET $2',
      [
        'posts; id -> t0.A',
        '_PostToTag t0; A is not null & A -> posts.id & B -> j0.id',
        'Tag j0; label = #0 & id -> t0.B',
      ],
      ['Tag.label =', 'offset'],
    ],
    [
      'mysql',
      'SELECT COUNT(*) AS `_count$_all` FROM (SELECT `Organization`.`id` FROM `Organization` LEFT JOIN (SELECT `memberships`.`org_id`, COUNT(*) AS `orderby_aggregator` FROM `memberships` WHERE 1=1 GROUP BY `memberships`.`org_id`) AS `o` ON (`Organization`.`id` = `o`.`org_id`) WHERE `Organization`.`name` <> ? ORDER BY COALESCE(`o`.`orderby_aggregator`, ?) ASC) AS `sub`',
      ['Organization; name <> #0 & id -> memberships.org_id', 'memberships; group org_id'],
      ['Organization.name <>', '-'],
    ],
    [
      'mysql',
      "SELECT `cities`.`id` FROM `cities` WHERE `cities`.`name` LIKE CONCAT('%', ?, '%') LIMIT ? OFFSET ?",
      ['cities; name like %#0%; limited'],
      ['cities.name like in %_%', 'limit', 'offset'],
    ],
  ])('resolves for %s: %s', (dialect, sql, uses, roles) => {
    const found = read(sql, dialect)
    expect(found.unknown).toEqual([])
    expect(useTexts(found)).toEqual(uses)
    expect(found.parameters.map(roleText)).toEqual(roles)
  })
})

describe('resolveStatement for statements of Knex', () => {
  it.each<[Dialect, string, string[], string[]]>([
    [
      'sqlite',
      'select * from `regions` where `country_code` = ? order by `id` asc',
      ['regions; country_code = #0; order id'],
      ['regions.country_code ='],
    ],
    [
      'sqlite',
      'select count(*) as `cities` from `cities` where `region_id` = ?',
      ['cities; region_id = #0'],
      ['cities.region_id ='],
    ],
    [
      'sqlite',
      'SELECT c.id, c.name, COUNT(*) AS reviews, AVG(r.rating) AS rating FROM reviews r JOIN cities c ON c.id = r.city_id GROUP BY c.id, c.name HAVING COUNT(*) >= 5 ORDER BY rating DESC, reviews DESC, c.id LIMIT 20',
      ['reviews r; city_id -> c.id; limited', 'cities c; id -> r.city_id; group id, name; limited'],
      [],
    ],
    [
      'postgresql',
      'select *, 0 as "place" from (select * from "posts" where "author_id" = $1 order by "id" asc limit $2 offset $3) as "posts" union all select *, 1 as "place" from (select * from "posts" where "author_id" = $4 order by "id" asc limit $5 offset $6) as "posts"',
      ['posts; author_id = #0; order id; limited', 'posts; author_id = #3; order id; limited'],
      ['posts.author_id =', 'limit', 'offset', 'posts.author_id =', 'limit', 'offset'],
    ],
    [
      'mysql',
      'select *, row_number() over (order by `few` asc, `id` asc) as `rank_1` from (select * from `typed` where `city` = ? order by `few` asc, `id` asc limit ?) as `typed`',
      ['typed; city = #0; order few, id; limited'],
      ['typed.city =', 'limit'],
    ],
  ])('resolves for %s: %s', (dialect, sql, uses, roles) => {
    const found = read(sql, dialect)
    expect(useTexts(found)).toEqual(uses)
    expect(found.parameters.map(roleText)).toEqual(roles)
  })
})
