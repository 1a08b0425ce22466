// What an expressCart lists, read from its database, as JSON on stdout. node expresscart_listed.cjs APP DATABASE_URI
const fs = require("node:fs");
const path = require("node:path");

const [app, uri] = process.argv.slice(2);
const { MongoClient } = require(require.resolve("mongodb", { paths: [app] }));

function listed(row) {
  const folder = path.join(app, "public", "uploads", String(row._id));
  return {
    path: `/product/${row.productPermalink}`, name: row.productTitle, price: row.productPrice, currency: "GBP",
    availability: row.productStock === 0 ? "OutOfStock" : "InStock",
    pictures: fs.readdirSync(folder).sort().map((file) => path.join(folder, file)), sku: String(row._id),
  };
}

async function main() {
  const client = await MongoClient.connect(uri, { useNewUrlParser: true, useUnifiedTopology: true });
  const rows = await client.db().collection("products").find({ productPublished: true }).sort({ productPermalink: 1 }).toArray();
  console.log(JSON.stringify(rows.map(listed)));
  await client.close();
}

main();
