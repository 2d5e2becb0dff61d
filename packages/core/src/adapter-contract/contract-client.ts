/** An author of the suite's data: ids 1 to 12. */
export interface ContractAuthor {
  readonly id: number
}

/** A post of the suite's data: ids 1 to 40. Post `n` is by author `n % 9 + 1` and has `n * 7 % 11` views. */
export interface ContractPost {
  readonly id: number
  readonly authorId: number
}

export interface NewPost extends ContractPost {
  readonly slug: string
  readonly title: string
  readonly views: number
}

/**
 * An ORM on the suite's tables, in its own syntax. Results are compared with those of the same ORM
 * without Sluice, so they can have any form. A method that you omit is listed as not offered.
 */
export interface ContractClient {
  /** One post by its primary key. */
  byKey(id: number): Promise<unknown>
  /** The same with a limit of one row. */
  firstByKey?(id: number): Promise<unknown>
  /** One author by primary key. */
  authorByKey(id: number): Promise<unknown>
  /** One author by the unique text `a<n>@example.org`. */
  byUniqueText(email: string): Promise<unknown>
  /** The titles of an author's posts, without the key, by descending id. */
  byForeignKey(authorId: number): Promise<unknown>
  /** An author's posts with more views than this, by id. */
  byForeignKeyAbove(authorId: number, views: number): Promise<unknown>
  /**
   * One membership by its primary key. From 5 on, author `n` is a member of organization `o<n % 3 + 1>`, with
   * the role `r<n>`.
   */
  byCompositeKey?(organizationId: string, authorId: number): Promise<unknown>
  /** All posts by id. */
  list(): Promise<readonly ContractPost[]>
  /** The number of an author's posts. */
  count?(authorId: number): Promise<unknown>
  /** The number, the sum, the average, the minimum and the maximum of the views of an author's posts. */
  totals?(authorId: number): Promise<unknown>
  /** Whether an author has posts: a query for one row. */
  exists?(authorId: number): Promise<unknown>
  /** An author's posts with the highest ids, as many as `limit`. */
  latest?(authorId: number, limit: number): Promise<unknown>
  /** An author's first post by its time of creation, which is the same for all posts. */
  oldest?(authorId: number): Promise<unknown>
  /** An author's posts by id, from `offset` on, two of them. */
  page?(authorId: number, offset: number): Promise<unknown>
  /** A post with its author, in one query of the ORM. */
  joined?(id: number): Promise<unknown>
  /** A post by its primary key with its author: all columns of both, by one join. */
  joinedByKey?(id: number): Promise<unknown>
  /** A post by its primary key, locked. */
  locked?(id: number): Promise<unknown>
  /** A post by its primary key, with a query that was prepared. */
  prepared?(id: number): Promise<unknown>
  /** A post by its primary key, as raw SQL. */
  raw?(id: number): Promise<unknown>
  /** An author's posts by id, read as a stream. */
  stream?(authorId: number): Promise<unknown>
  /** Sends raw SQL that returns no rows. */
  execute?(sql: string): Promise<unknown>
  insert(post: NewPost): Promise<unknown>
  update(id: number, title: string): Promise<unknown>
  remove(id: number): Promise<unknown>
  /** Runs work in a transaction; rolls it back if it rejects. */
  transaction<T>(work: (client: ContractClient) => Promise<T>): Promise<T>
  /** For a client within a transaction: runs work in a savepoint; rolls back to it if it rejects. */
  nested?<T>(work: (client: ContractClient) => Promise<T>): Promise<T>
  /** For a client within a transaction: sends a statement that fails, and ignores its error. */
  fail?(): Promise<void>
  /** How many statements the driver has sent so far, without those of Sluice itself. */
  sent(): number
  close(): Promise<void>
}

/** Opens the ORM under test. */
export interface ContractHarness {
  /** Sets the rows of the tables to the suite's data. Runs without Sluice. */
  reset(): Promise<void>
  /** @param sluice - `undefined`: the ORM without Sluice. */
  open(sluice: object | undefined): Promise<ContractClient>
  /** Returns the SQL that drops an index, in the dialect of the database. */
  dropIndex(name: string, table: string): string
  /** The file whose frames are call sites: that of the methods above. */
  readonly file: string
  /** Whether the adapter knows a fix for lookups by key. */
  readonly hasFix: boolean
}
