/** Twenty departments of ten kinds of things each: the 200 categories. */
export const departments: Readonly<Record<string, readonly string[]>> = {
  Kitchen: ['Kettle', 'Frying Pan', 'Saucepan', 'Chef Knife', 'Toaster', 'Stand Mixer', 'Colander', 'Cutting Board', 'Coffee Grinder', 'Baking Tray'],
  Tableware: ['Dinner Plate', 'Soup Bowl', 'Wine Glass', 'Espresso Cup', 'Serving Platter', 'Cutlery Set', 'Water Jug', 'Salt Mill', 'Teapot', 'Place Mat'],
  Bedroom: ['Duvet', 'Pillow', 'Bed Frame', 'Mattress', 'Night Stand', 'Blanket', 'Fitted Sheet', 'Wardrobe', 'Reading Lamp', 'Alarm Clock'],
  Bathroom: ['Bath Towel', 'Shower Head', 'Soap Dispenser', 'Bath Mat', 'Mirror Cabinet', 'Toothbrush Holder', 'Laundry Basket', 'Shower Curtain', 'Washbasin', 'Robe'],
  'Living Room': ['Sofa', 'Armchair', 'Coffee Table', 'Bookshelf', 'Floor Lamp', 'Rug', 'Curtain', 'Cushion', 'Picture Frame', 'Vase'],
  Office: ['Desk', 'Office Chair', 'Desk Lamp', 'Filing Cabinet', 'Notebook', 'Fountain Pen', 'Stapler', 'Whiteboard', 'Paper Tray', 'Monitor Stand'],
  Garden: ['Lawn Mower', 'Garden Hose', 'Pruning Shears', 'Wheelbarrow', 'Plant Pot', 'Watering Can', 'Rake', 'Spade', 'Compost Bin', 'Hammock'],
  Workshop: ['Cordless Drill', 'Circular Saw', 'Hammer', 'Screwdriver Set', 'Spirit Level', 'Tool Chest', 'Sander', 'Clamp', 'Tape Measure', 'Work Bench'],
  Camping: ['Tent', 'Sleeping Bag', 'Camp Stove', 'Headlamp', 'Cool Box', 'Camp Chair', 'Lantern', 'Water Filter', 'Mess Kit', 'Sleeping Mat'],
  Hiking: ['Backpack', 'Trekking Pole', 'Hiking Boot', 'Rain Jacket', 'Compass', 'Water Bottle', 'Fleece', 'Gaiter', 'Map Case', 'Trail Shoe'],
  Cycling: ['Bicycle Helmet', 'Bike Light', 'Bike Lock', 'Saddle', 'Pedal', 'Floor Pump', 'Pannier', 'Chain', 'Cycling Glove', 'Mudguard'],
  Running: ['Running Shoe', 'Running Short', 'Sports Watch', 'Running Belt', 'Singlet', 'Compression Sock', 'Foam Roller', 'Arm Band', 'Visor', 'Hydration Vest'],
  Swimming: ['Swimsuit', 'Goggles', 'Swim Cap', 'Kickboard', 'Pull Buoy', 'Beach Towel', 'Wetsuit', 'Snorkel', 'Swim Fin', 'Dry Bag'],
  Music: ['Acoustic Guitar', 'Keyboard', 'Ukulele', 'Drum Pad', 'Microphone', 'Music Stand', 'Violin', 'Harmonica', 'Metronome', 'Guitar Strap'],
  Audio: ['Headphones', 'Loudspeaker', 'Turntable', 'Amplifier', 'Radio', 'Soundbar', 'Earbuds', 'Speaker Cable', 'Record Shelf', 'Subwoofer'],
  Photography: ['Tripod', 'Camera Bag', 'Lens Filter', 'Flash', 'Camera Strap', 'Light Meter', 'Photo Album', 'Memory Card', 'Softbox', 'Lens Cap'],
  Computing: ['Mechanical Keyboard', 'Mouse', 'Monitor', 'Webcam', 'Docking Station', 'Router', 'Solid State Drive', 'Laptop Sleeve', 'Power Bank', 'Card Reader'],
  Children: ['Building Blocks', 'Jigsaw Puzzle', 'Doll House', 'Balance Bike', 'Plush Bear', 'High Chair', 'Play Mat', 'Train Set', 'Crayon Box', 'Night Light'],
  Pets: ['Dog Bed', 'Cat Tree', 'Dog Lead', 'Aquarium', 'Bird Feeder', 'Food Bowl', 'Pet Carrier', 'Scratching Post', 'Chew Toy', 'Grooming Brush'],
  Clothing: ['Shirt', 'Pullover', 'Trousers', 'Winter Coat', 'Scarf', 'Leather Belt', 'Sneaker', 'Hat', 'Umbrella', 'Wallet'],
};

/** From hot to rare: drawn by Zipf's law, so that a search finds tens of thousands of products or a handful. */
export const qualities = [
  'Compact', 'Classic', 'Lightweight', 'Foldable', 'Durable', 'Quiet', 'Slim', 'Premium', 'Everyday', 'Portable',
  'Robust', 'Waterproof', 'Insulated', 'Adjustable', 'Stackable', 'Handmade', 'Washable', 'Reversible', 'Magnetic', 'Rechargeable',
  'Ergonomic', 'Breathable', 'Modular', 'Padded', 'Tempered', 'Weatherproof', 'Telescopic', 'Reflective', 'Antistatic', 'Hypoallergenic',
] as const;

export const materials = [
  'Steel', 'Cotton', 'Oak', 'Aluminium', 'Ceramic', 'Leather', 'Glass', 'Bamboo', 'Wool', 'Linen',
  'Nylon', 'Walnut', 'Copper', 'Canvas', 'Silicone', 'Titanium', 'Cork', 'Marble', 'Felt', 'Carbon',
] as const;

export const colours = [
  'black', 'white', 'grey', 'navy', 'green', 'red', 'sand', 'brown', 'blue', 'yellow',
  'olive', 'terracotta', 'teal', 'burgundy', 'mustard', 'lavender', 'coral', 'ivory', 'graphite', 'turquoise',
] as const;

export const features = [
  'Easy to clean and quick to put away',
  'Comes with a two year warranty',
  'Packed without plastic',
  'Tested for ten thousand uses',
  'Spare parts can be ordered for ten years',
  'Fits most standard sizes',
  'Made in small batches',
  'Sits firmly on any surface',
  'The finish resists scratches and fingerprints',
  'Folds flat for storage',
  'Suitable for indoor and outdoor use',
  'Assembled in minutes without tools',
  'Rounded edges make it safe around children',
  'The handle stays cool and dry',
  'Pairs well with the rest of the range',
  'Every piece is checked by hand before it leaves the workshop',
] as const;

export const occasions = [
  'daily use', 'small flats', 'long weekends', 'beginners', 'families', 'travel', 'professionals', 'rainy days',
  'gifts', 'large kitchens', 'shared homes', 'cold mornings', 'night shifts', 'students', 'commuters', 'collectors',
] as const;

const openings = ['Nor', 'Al', 'Ber', 'Cal', 'Dor', 'El', 'Fal', 'Gren', 'Hal', 'Is', 'Kel', 'Lun', 'Mar', 'Ost', 'Pel', 'Ros', 'Sol', 'Tor', 'Ul', 'Ver'] as const;
const middles = ['vi', 'da', 'ne', 'ro', 'ti', 'lu', 'ma', 'so', 'ke', 'ba'] as const;
const endings = ['k', 'n', 'ra', 'st', 'lm', 'x', 'ne', 'mark', 'berg', 'wick'] as const;

/** 200 makers, drawn by Zipf's law. */
export const brands: readonly string[] = openings.flatMap((opening) =>
  endings.map((ending, at) => opening + (middles[at] ?? '') + ending),
);

/** 2,000 names of product lines: the rare words. */
export const collections: readonly string[] = openings.flatMap((opening) =>
  middles.flatMap((first) => endings.map((ending, at) => opening + first + (middles[(at + 3) % middles.length] ?? '') + ending)),
);

export const firstNames = [
  'Ada', 'Amir', 'Anna', 'Ben', 'Carla', 'Chen', 'Daria', 'David', 'Elena', 'Emil', 'Fatima', 'Felix', 'Grace', 'Hana', 'Hugo', 'Ines',
  'Ivan', 'Jana', 'Jonas', 'Kira', 'Lars', 'Leila', 'Luca', 'Maja', 'Marco', 'Mina', 'Nadia', 'Noah', 'Olga', 'Omar', 'Paula', 'Priya',
  'Rosa', 'Samir', 'Sara', 'Tomas', 'Uma', 'Viktor', 'Wanda', 'Yuki',
] as const;

export const lastNames = [
  'Adler', 'Bauer', 'Costa', 'Diaz', 'Eriksen', 'Fischer', 'Garcia', 'Haddad', 'Ito', 'Jensen', 'Kowalski', 'Larsen', 'Meyer', 'Novak',
  'Okafor', 'Petrov', 'Quinn', 'Rossi', 'Silva', 'Tanaka', 'Ueda', 'Varga', 'Weber', 'Xu', 'Yilmaz', 'Zimmer',
] as const;
