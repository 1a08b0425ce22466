// Puts goods.json into an expressCart's MongoDB, as its own admin form would. node expresscart_fill.cjs APP DATABASE_URI
// Sizes are an option of the product; tags are its categories; a picture belongs to a product by its folder's name.
const fs = require("node:fs");
const path = require("node:path");

const [app, uri] = process.argv.slice(2);
const { MongoClient } = require(require.resolve("mongodb", { paths: [app] }));
const goods = JSON.parse(fs.readFileSync("goods.json", "utf8"));

function options(good) {
  const sizes = Object.keys(good.sizes);
  return sizes.length ? { Size: { optName: "Size", optLabel: "Select size", optType: "select", optOptions: sizes } } : {};
}

// A permalink of 24 letters is taken for an id, and ends the shop.
const permalink = (good) => (good.slug.length === 24 ? `${good.slug}-new` : good.slug);

const row = (good) => ({
  productPermalink: permalink(good), productTitle: good.name, productPrice: good.price, productDescription: `<p>${good.description}</p>`,
  productPublished: good.purchasable, productTags: good.category.join(", ").toLowerCase(), productOptions: options(good),
  productComment: false, productAddedDate: new Date(0), productStock: good.stock,
});

async function picture(db, id, good) {
  const folder = path.join(app, "public", "uploads", String(id));
  fs.mkdirSync(folder, { recursive: true });
  const names = good.pictures.map((file, place) => `${good.slug}-${place}.jpg`);
  good.pictures.forEach((file, place) => fs.copyFileSync(file, path.join(folder, names[place])));
  if (names.length) await db.collection("products").updateOne({ _id: id }, { $set: { productImage: `/uploads/${id}/${names[0]}` } });
}

async function main() {
  const client = await MongoClient.connect(uri, { useNewUrlParser: true, useUnifiedTopology: true });
  const db = client.db();
  await db.dropDatabase();
  const made = await db.collection("products").insertMany(goods.map(row));
  for (const [place, good] of goods.entries()) await picture(db, made.insertedIds[place], good);
  const leaves = [...new Set(goods.map((good) => good.category.at(-1)))];
  await db.collection("menu").insertOne({ items: leaves.map((title, order) => ({ title, link: `/category/${title.toLowerCase()}`, order })) });
  await db.collection("users").insertOne({ usersName: "Owner", userEmail: "owner@shop.example", userPassword: "-", isAdmin: true, isOwner: true });
  await client.close();
}

main();
