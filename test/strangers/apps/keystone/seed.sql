-- The tables that Keystone expects, and rows for them.
CREATE TABLE "User" (id text PRIMARY KEY, name text NOT NULL DEFAULT '', email text NOT NULL DEFAULT '');
CREATE UNIQUE INDEX "User_email_key" ON "User" (email);
CREATE TABLE "Post" (
  id text PRIMARY KEY, title text NOT NULL DEFAULT '', content text NOT NULL DEFAULT '', status text DEFAULT 'draft',
  views integer DEFAULT 0, author text REFERENCES "User" ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE INDEX "Post_author_idx" ON "Post" (author);
CREATE TABLE "Tag" (id text PRIMARY KEY, name text NOT NULL DEFAULT '');
CREATE TABLE "Comment" (
  id text PRIMARY KEY, body text NOT NULL DEFAULT '', hidden integer DEFAULT 0,
  author text REFERENCES "User" ON DELETE SET NULL ON UPDATE CASCADE,
  post text REFERENCES "Post" ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE INDEX "Comment_author_idx" ON "Comment" (author);
CREATE INDEX "Comment_post_idx" ON "Comment" (post);
CREATE TABLE "_Post_tags" (
  "A" text NOT NULL REFERENCES "Post" ON DELETE CASCADE ON UPDATE CASCADE,
  "B" text NOT NULL REFERENCES "Tag" ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "_Post_tags_AB_unique" ON "_Post_tags" ("A", "B");
CREATE INDEX "_Post_tags_B_index" ON "_Post_tags" ("B");
INSERT INTO "User" SELECT 'u' || lpad(i::text, 24, '0'), 'User ' || i, 'u' || i || '@example.org' FROM generate_series(1, 100) i;
INSERT INTO "Tag" SELECT 't' || lpad(i::text, 24, '0'), 'Tag ' || i FROM generate_series(1, 30) i;
INSERT INTO "Post"
SELECT 'p' || lpad(i::text, 24, '0'), 'Post ' || i, repeat('Text ' || i || ' ', 20),
  CASE WHEN i % 4 = 0 THEN 'draft' ELSE 'published' END, (i * 37) % 1000, 'u' || lpad((1 + i * 7 % 100)::text, 24, '0')
FROM generate_series(1, 400) i;
INSERT INTO "Comment"
SELECT 'c' || lpad(i::text, 24, '0'), 'Comment ' || i, CASE WHEN i % 11 = 0 THEN 1 ELSE 0 END,
  'u' || lpad((1 + i * 13 % 100)::text, 24, '0'), 'p' || lpad((1 + i * 17 % 400)::text, 24, '0')
FROM generate_series(1, 1500) i;
INSERT INTO "_Post_tags"
SELECT DISTINCT 'p' || lpad((1 + i * 3 % 400)::text, 24, '0'), 't' || lpad((1 + i * 7 % 30)::text, 24, '0')
FROM generate_series(1, 1000) i;
ANALYZE;
