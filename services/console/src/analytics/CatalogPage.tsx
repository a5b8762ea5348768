export default function CatalogPage() {
  return <main data-testid="catalog-page"><h1>Analytics</h1></main>;
}
