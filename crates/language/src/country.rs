//! Countries with their adjectives, capitals and the seats of power that stand
//! for their governments in news text.

use std::collections::HashMap;
use std::sync::LazyLock;

/// One country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Country {
    /// Its usual English name.
    pub name: &'static str,
    /// Other names.
    pub aliases: Vec<&'static str>,
    /// Adjectives and words for its people, the adjective first.
    pub demonyms: Vec<&'static str>,
    /// The city that stands for its government.
    pub capital: &'static str,
    /// Buildings and offices that stand for its government, without article.
    pub seats: Vec<&'static str>,
}

/// What a word means to a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sense {
    /// The country itself.
    Name,
    /// Its adjective or people.
    Demonym,
    /// Its capital.
    Capital,
    /// A seat of its government.
    Seat,
}

/// The country that `words` stand for (any case, `the` before it ignored).
#[must_use]
pub fn country(words: &str) -> Option<(&'static Country, Sense)> {
    let lower = words.trim().to_lowercase().replace('’', "'");
    let key = lower.strip_prefix("the ").unwrap_or(&lower);
    INDEX.get(key).map(|&(at, sense)| (&COUNTRIES[at], sense))
}

/// All countries.
#[must_use]
pub fn countries() -> &'static [Country] {
    &COUNTRIES
}

static COUNTRIES: LazyLock<Vec<Country>> =
    LazyLock::new(|| TABLE.lines().filter_map(row).collect());

static INDEX: LazyLock<HashMap<String, (usize, Sense)>> = LazyLock::new(|| {
    let mut index = HashMap::new();
    let mut add = |word: &str, at: usize, sense: Sense| {
        if !word.is_empty() {
            index.entry(word.to_lowercase()).or_insert((at, sense));
        }
    };
    // Names before capitals: Singapore, Luxembourg and Panama are countries first.
    for (at, country) in COUNTRIES.iter().enumerate() {
        add(country.name, at, Sense::Name);
        for alias in &country.aliases {
            add(alias, at, Sense::Name);
        }
    }
    for (at, country) in COUNTRIES.iter().enumerate() {
        for demonym in &country.demonyms {
            add(demonym, at, Sense::Demonym);
            if !["s", "ese", "sh", "ch", "z"]
                .iter()
                .any(|e| demonym.ends_with(e))
            {
                add(&format!("{demonym}s"), at, Sense::Demonym);
            }
        }
        for seat in &country.seats {
            add(seat, at, Sense::Seat);
        }
        add(country.capital, at, Sense::Capital);
    }
    index
});

fn row(line: &'static str) -> Option<Country> {
    let mut cells = line.split('|').map(str::trim);
    let list = |cell: Option<&'static str>| -> Vec<&'static str> {
        cell.unwrap_or("")
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .collect()
    };
    let name = cells.next().filter(|name| !name.is_empty())?;
    Some(Country {
        name,
        aliases: list(cells.next()),
        demonyms: list(cells.next()),
        capital: cells.next().unwrap_or(""),
        seats: list(cells.next()),
    })
}

/// name | other names | adjective and people | capital | seats
const TABLE: &str = "\
Afghanistan||Afghan|Kabul|
Albania||Albanian|Tirana|
Algeria||Algerian|Algiers|
Andorra||Andorran|Andorra la Vella|
Angola||Angolan|Luanda|
Antigua and Barbuda|Antigua|Antiguan|St. John's|
Argentina||Argentine,Argentinian|Buenos Aires|Casa Rosada
Armenia||Armenian|Yerevan|
Australia||Australian|Canberra|
Austria||Austrian|Vienna|Hofburg
Azerbaijan||Azerbaijani,Azeri|Baku|
Bahamas||Bahamian|Nassau|
Bahrain||Bahraini|Manama|
Bangladesh||Bangladeshi|Dhaka|
Barbados||Barbadian|Bridgetown|
Belarus||Belarusian,Belarussian|Minsk|
Belgium||Belgian|Brussels|
Belize||Belizean|Belmopan|
Benin||Beninese|Porto-Novo|
Bhutan||Bhutanese|Thimphu|
Bolivia||Bolivian|La Paz|
Bosnia and Herzegovina|Bosnia,Bosnia-Herzegovina|Bosnian|Sarajevo|
Botswana||Botswanan|Gaborone|
Brazil||Brazilian|Brasilia|Planalto,Planalto Palace
Brunei||Bruneian|Bandar Seri Begawan|
Bulgaria||Bulgarian|Sofia|
Burkina Faso||Burkinabe|Ouagadougou|
Burundi||Burundian|Bujumbura|
Cambodia||Cambodian|Phnom Penh|
Cameroon||Cameroonian|Yaounde|
Canada||Canadian|Ottawa|Rideau Hall
Cape Verde|Cabo Verde|Cape Verdean|Praia|
Central African Republic||Central African|Bangui|
Chad||Chadian|N'Djamena|
Chile||Chilean|Santiago|La Moneda
China|People's Republic of China,PRC|Chinese|Beijing|Zhongnanhai
Colombia||Colombian|Bogota|Casa de Narino
Comoros||Comorian|Moroni|
Congo|Democratic Republic of the Congo,Democratic Republic of Congo,DRC,DR Congo|Congolese|Kinshasa|
Costa Rica||Costa Rican|San Jose|
Croatia||Croatian,Croat|Zagreb|
Cuba||Cuban|Havana|
Cyprus||Cypriot|Nicosia|
Czech Republic|Czechia|Czech|Prague|
Denmark||Danish,Dane|Copenhagen|Christiansborg
Djibouti||Djiboutian||
Dominica|||Roseau|
Dominican Republic||Dominican|Santo Domingo|
East Timor|Timor-Leste|Timorese|Dili|
Ecuador||Ecuadorian,Ecuadorean|Quito|
Egypt||Egyptian|Cairo|
El Salvador||Salvadoran|San Salvador|
Equatorial Guinea||Equatorial Guinean|Malabo|
Eritrea||Eritrean|Asmara|
Estonia||Estonian|Tallinn|
Eswatini|Swaziland|Swazi|Mbabane|
Ethiopia||Ethiopian|Addis Ababa|
Fiji||Fijian|Suva|
Finland||Finnish,Finn|Helsinki|
France||French,Frenchman|Paris|Elysee,Élysée,Elysee Palace,Élysée Palace,Quai d'Orsay,Matignon
Gabon||Gabonese|Libreville|
Gambia||Gambian|Banjul|
Georgia||Georgian|Tbilisi|
Germany|Federal Republic of Germany|German|Berlin|Bundestag,Chancellery
Ghana||Ghanaian|Accra|
Greece||Greek|Athens|
Grenada||Grenadian||
Guatemala||Guatemalan|Guatemala City|
Guinea||Guinean|Conakry|
Guinea-Bissau||Bissau-Guinean|Bissau|
Guyana||Guyanese|Georgetown|
Haiti||Haitian|Port-au-Prince|
Honduras||Honduran|Tegucigalpa|
Hungary||Hungarian|Budapest|
Iceland||Icelandic,Icelander|Reykjavik|
India||Indian|New Delhi|South Block
Indonesia||Indonesian|Jakarta|
Iran|Islamic Republic,Islamic Republic of Iran|Iranian|Tehran|
Iraq||Iraqi|Baghdad|
Ireland|Republic of Ireland|Irish|Dublin|Leinster House
Israel||Israeli|Jerusalem|Knesset
Italy||Italian|Rome|Quirinale,Palazzo Chigi
Ivory Coast|Cote d'Ivoire,Côte d'Ivoire|Ivorian|Yamoussoukro|
Jamaica||Jamaican|Kingston|
Japan||Japanese|Tokyo|Kantei
Jordan||Jordanian|Amman|
Kazakhstan||Kazakh,Kazakhstani|Astana|Akorda
Kenya||Kenyan|Nairobi|
Kiribati||I-Kiribati|Tarawa|
Kosovo||Kosovar,Kosovan|Pristina|
Kuwait||Kuwaiti|Kuwait City|
Kyrgyzstan||Kyrgyz|Bishkek|
Laos||Laotian,Lao|Vientiane|
Latvia||Latvian|Riga|
Lebanon||Lebanese|Beirut|
Lesotho||Basotho|Maseru|
Liberia||Liberian|Monrovia|
Libya||Libyan|Tripoli|
Liechtenstein||Liechtensteiner|Vaduz|
Lithuania||Lithuanian|Vilnius|
Luxembourg||Luxembourgish,Luxembourger||
Madagascar||Malagasy|Antananarivo|
Malawi||Malawian|Lilongwe|
Malaysia||Malaysian|Kuala Lumpur|Putrajaya
Maldives||Maldivian|Male City|
Mali||Malian|Bamako|
Malta||Maltese|Valletta|
Marshall Islands||Marshallese|Majuro|
Mauritania||Mauritanian|Nouakchott|
Mauritius||Mauritian|Port Louis|
Mexico||Mexican|Mexico City|Los Pinos
Micronesia||Micronesian|Palikir|
Moldova||Moldovan|Chisinau|
Monaco||Monegasque||
Mongolia||Mongolian|Ulaanbaatar|
Montenegro||Montenegrin|Podgorica|
Morocco||Moroccan|Rabat|
Mozambique||Mozambican|Maputo|
Myanmar|Burma|Burmese|Naypyidaw|
Namibia||Namibian|Windhoek|
Nauru||Nauruan||
Nepal||Nepali,Nepalese|Kathmandu|
Netherlands|Holland|Dutch,Dutchman|The Hague|Binnenhof
New Zealand||New Zealander|Wellington|Beehive
Nicaragua||Nicaraguan|Managua|
Niger||Nigerien|Niamey|
Nigeria||Nigerian|Abuja|Aso Rock
North Korea|DPRK,Democratic People's Republic of Korea|North Korean|Pyongyang|
North Macedonia|Macedonia|Macedonian|Skopje|
Norway||Norwegian|Oslo|Storting
Oman||Omani|Muscat|
Pakistan||Pakistani|Islamabad|
Palau||Palauan|Ngerulmud|
Palestine|Palestinian Authority|Palestinian|Ramallah|
Panama||Panamanian|Panama City|
Papua New Guinea||Papua New Guinean|Port Moresby|
Paraguay||Paraguayan|Asuncion|
Peru||Peruvian|Lima|
Philippines||Filipino,Philippine|Manila|Malacanang,Malacañang
Poland||Polish,Pole|Warsaw|Sejm
Portugal||Portuguese|Lisbon|
Qatar||Qatari|Doha|
Romania||Romanian|Bucharest|Cotroceni
Russia|Russian Federation|Russian|Moscow|Kremlin,Duma,State Duma,Smolenskaya Square
Rwanda||Rwandan|Kigali|
Samoa||Samoan|Apia|
San Marino||Sammarinese||
Saudi Arabia||Saudi,Saudi Arabian|Riyadh|
Senegal||Senegalese|Dakar|
Serbia||Serbian,Serb|Belgrade|
Seychelles||Seychellois|Victoria|
Sierra Leone||Sierra Leonean|Freetown|
Singapore||Singaporean||Istana
Slovakia||Slovak,Slovakian|Bratislava|
Slovenia||Slovenian,Slovene|Ljubljana|
Solomon Islands||Solomon Islander|Honiara|
Somalia||Somali|Mogadishu|Villa Somalia
South Africa||South African|Pretoria|Union Buildings
South Korea|Republic of Korea|South Korean|Seoul|Blue House
South Sudan||South Sudanese|Juba|
Spain||Spanish,Spaniard|Madrid|Moncloa,La Moncloa
Sri Lanka||Sri Lankan|Colombo|
Sudan||Sudanese|Khartoum|
Suriname||Surinamese|Paramaribo|
Sweden||Swedish,Swede|Stockholm|Rosenbad
Switzerland||Swiss|Bern|
Syria||Syrian|Damascus|
Taiwan|Republic of China|Taiwanese|Taipei|
Tajikistan||Tajik|Dushanbe|
Tanzania||Tanzanian|Dodoma|
Thailand||Thai|Bangkok|
Togo||Togolese|Lome|
Tonga||Tongan|Nuku'alofa|
Trinidad and Tobago|Trinidad|Trinidadian|Port of Spain|
Tunisia||Tunisian|Tunis|
Turkey|Türkiye,Turkiye|Turkish,Turk|Ankara|Sublime Porte
Turkmenistan||Turkmen|Ashgabat|
Tuvalu||Tuvaluan|Funafuti|
Uganda||Ugandan|Kampala|
Ukraine||Ukrainian|Kyiv|Verkhovna Rada,Rada,Bankova
United Arab Emirates|UAE,Emirates|Emirati|Abu Dhabi|
United Kingdom|UK,U.K.,Britain,Great Britain|British,Briton|London|Downing Street,Whitehall,Westminster,No 10,Number 10
United States|US,U.S.,USA,U.S.A.,United States of America,America|American|Washington|White House,Pentagon,State Department,Capitol Hill,Foggy Bottom
Uruguay||Uruguayan|Montevideo|
Uzbekistan||Uzbek|Tashkent|
Vanuatu||Ni-Vanuatu|Port Vila|
Vatican|Holy See,Vatican City|||
Venezuela||Venezuelan|Caracas|Miraflores,Miraflores Palace
Vietnam||Vietnamese|Hanoi|
Yemen||Yemeni|Sanaa|
Zambia||Zambian|Lusaka|
Zimbabwe||Zimbabwean|Harare|
Soviet Union|USSR,U.S.S.R.|Soviet||
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_demonyms_capitals_and_seats() {
        let named = |words: &str| country(words).map(|(c, sense)| (c.name, sense));
        assert_eq!(named("Norway"), Some(("Norway", Sense::Name)));
        assert_eq!(named("Danes"), Some(("Denmark", Sense::Demonym)));
        assert_eq!(named("the Elysée"), None);
        assert_eq!(named("the Élysée"), Some(("France", Sense::Seat)));
        assert_eq!(named("Ottawa"), Some(("Canada", Sense::Capital)));
        assert_eq!(named("Singapore"), Some(("Singapore", Sense::Name)));
        assert_eq!(named("the U.S."), Some(("United States", Sense::Name)));
        assert_eq!(named("Port Ellen"), None);
    }

    #[test]
    fn the_table_has_the_world() {
        assert!(countries().len() > 190);
        assert!(countries().iter().all(|c| !c.name.is_empty()));
    }
}
