-- Keys only, on purpose: no secondary index. InnoDB would make one for each foreign key, so there are none here either, as with Prisma's
-- `relationMode = "prisma"`.
CREATE TABLE countries (
  code VARCHAR(8) COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  name VARCHAR(191) NOT NULL
) CHARACTER SET utf8mb4;

CREATE TABLE regions (
  id INTEGER NOT NULL PRIMARY KEY,
  code VARCHAR(40) COLLATE utf8mb4_bin NOT NULL UNIQUE,
  name VARCHAR(191) NOT NULL,
  country_code VARCHAR(8) COLLATE utf8mb4_bin NOT NULL
) CHARACTER SET utf8mb4;

CREATE TABLE districts (
  id INTEGER NOT NULL PRIMARY KEY,
  code VARCHAR(80) COLLATE utf8mb4_bin NOT NULL UNIQUE,
  name VARCHAR(191) NOT NULL,
  region_id INTEGER NOT NULL
) CHARACTER SET utf8mb4;

CREATE TABLE cities (
  id INTEGER NOT NULL PRIMARY KEY,
  name VARCHAR(191) NOT NULL,
  latitude DOUBLE NOT NULL,
  longitude DOUBLE NOT NULL,
  country_code VARCHAR(8) COLLATE utf8mb4_bin NOT NULL,
  region_id INTEGER,
  district_id INTEGER
) CHARACTER SET utf8mb4;

CREATE TABLE users (
  id INTEGER NOT NULL PRIMARY KEY,
  name VARCHAR(191) NOT NULL,
  email VARCHAR(191) NOT NULL UNIQUE
) CHARACTER SET utf8mb4;

CREATE TABLE reviews (
  id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY,
  city_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  rating INTEGER NOT NULL,
  body VARCHAR(2000) NOT NULL,
  created_at DATETIME(3) NOT NULL
) CHARACTER SET utf8mb4;
