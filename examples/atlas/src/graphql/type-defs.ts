export const atlasTypeDefs = `
type Query {
  countries: [Country!]!
  country(code: ID!): Country
  region(code: ID!): Region
  city(id: Int!): City
}

type Country {
  code: ID!
  name: String!
  regions: [Region!]!
}

type Region {
  code: ID!
  name: String!
  country: Country!
  cities(first: Int = 20): [City!]!
}

type District {
  code: ID!
  name: String!
}

type City {
  id: Int!
  name: String!
  latitude: Float!
  longitude: Float!
  country: Country!
  region: Region
  district: District
  "The latest first."
  reviews(first: Int = 2): [Review!]!
}

type Review {
  id: Int!
  rating: Int!
  body: String!
  "ISO 8601"
  createdAt: String!
  author: User!
}

type User {
  id: Int!
  name: String!
}
`
