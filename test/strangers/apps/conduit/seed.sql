-- The tables of schema.prisma, and rows for them.
CREATE TABLE "User" (
  id serial PRIMARY KEY, email text NOT NULL, username text NOT NULL, password text NOT NULL, bio text, image text
);
CREATE UNIQUE INDEX "User_email_key" ON "User" (email);
CREATE UNIQUE INDEX "User_username_key" ON "User" (username);
CREATE TABLE "Article" (
  id serial PRIMARY KEY, slug text NOT NULL, title text NOT NULL, description text NOT NULL, body text NOT NULL,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updatedAt" timestamp(3) NOT NULL,
  "authorId" integer NOT NULL REFERENCES "User" ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "Article_slug_key" ON "Article" (slug);
CREATE TABLE "Comment" (
  id serial PRIMARY KEY, body text NOT NULL,
  "createdAt" timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, "updatedAt" timestamp(3) NOT NULL,
  "articleId" integer NOT NULL REFERENCES "Article" ON DELETE CASCADE ON UPDATE CASCADE,
  "authorId" integer NOT NULL REFERENCES "User" ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "Tag" (id serial PRIMARY KEY, name text NOT NULL);
CREATE UNIQUE INDEX "Tag_name_key" ON "Tag" (name);
CREATE TABLE "_ArticleToTag" (
  "A" integer NOT NULL REFERENCES "Article" ON DELETE CASCADE ON UPDATE CASCADE,
  "B" integer NOT NULL REFERENCES "Tag" ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "_ArticleToTag_AB_pkey" PRIMARY KEY ("A", "B")
);
CREATE INDEX "_ArticleToTag_B_index" ON "_ArticleToTag" ("B");
CREATE TABLE "_Favorites" (
  "A" integer NOT NULL REFERENCES "Article" ON DELETE CASCADE ON UPDATE CASCADE,
  "B" integer NOT NULL REFERENCES "User" ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "_Favorites_AB_pkey" PRIMARY KEY ("A", "B")
);
CREATE INDEX "_Favorites_B_index" ON "_Favorites" ("B");
CREATE TABLE "_Follows" (
  "A" integer NOT NULL REFERENCES "User" ON DELETE CASCADE ON UPDATE CASCADE,
  "B" integer NOT NULL REFERENCES "User" ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT "_Follows_AB_pkey" PRIMARY KEY ("A", "B")
);
CREATE INDEX "_Follows_B_index" ON "_Follows" ("B");
INSERT INTO "User" (email, username, password, bio)
SELECT 'user' || i || '@example.org', 'user' || i, 'salt:2fe8a5bd0f3be9a49f4cd2cd3a2e5e31', 'Bio ' || i
FROM generate_series(1, 200) i;
INSERT INTO "Tag" (name) SELECT 'tag' || i FROM generate_series(1, 50) i;
INSERT INTO "Article" (slug, title, description, body, "authorId", "createdAt", "updatedAt")
SELECT 'article-' || i, 'Article ' || i, 'Description ' || i, repeat('Text ' || i || ' ', 40), 1 + i * 7 % 200,
  timestamp '2024-01-01' + i * interval '1 minute', timestamp '2024-01-01' + i * interval '1 minute'
FROM generate_series(1, 600) i;
INSERT INTO "Comment" (body, "articleId", "authorId", "createdAt", "updatedAt")
SELECT 'Comment ' || i, 1 + i * 13 % 600, 1 + i * 11 % 200,
  timestamp '2024-02-01' + i * interval '1 minute', timestamp '2024-02-01' + i * interval '1 minute'
FROM generate_series(1, 2400) i;
INSERT INTO "_ArticleToTag" SELECT DISTINCT 1 + i * 3 % 600, 1 + i * 7 % 50 FROM generate_series(1, 1800) i;
INSERT INTO "_Favorites" SELECT DISTINCT 1 + i * 17 % 600, 1 + i * 7 % 200 FROM generate_series(1, 3000) i;
INSERT INTO "_Follows"
SELECT DISTINCT 1 + i * 17 % 200, 1 + (i * 7 + i / 200) % 200 FROM generate_series(1, 2000) i;
ANALYZE;
